"""Pipelines from a file to a prediction, and the `labformer` command."""
