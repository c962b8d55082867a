"""The user's files and the catalogue's sets -> frames."""
