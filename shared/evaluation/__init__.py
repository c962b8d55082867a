"""Evaluation: metrics, conformal intervals and the comparison of models."""
