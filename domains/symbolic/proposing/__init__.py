"""The transformer that reads a run and writes formulas, and what it learns from."""
