"""Protocols, scores and laws."""
