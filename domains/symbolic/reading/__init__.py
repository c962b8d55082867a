"""A user's files become runs."""
