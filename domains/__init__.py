"""The sciences, one folder each; no domain imports another."""
