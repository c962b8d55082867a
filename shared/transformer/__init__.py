"""The transformer core: tokens (batch, token, channel) in and out, parts passed in and never switched by flags."""
