"""Forecasting models, one paper a file."""
