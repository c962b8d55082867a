"""Time-series and electricity-load forecasting."""
