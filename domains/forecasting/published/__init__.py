"""Published models under the published long-horizon protocol."""
