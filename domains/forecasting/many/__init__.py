"""Thousands of series: one map for all, each with its own choice of model and its own interval."""
