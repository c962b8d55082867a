"""Labformer: one transformer core, the sciences on top of it.

`labformer.shared` is the core and knows no science, `labformer.domains` holds one folder a science,
`labformer.pipelines` takes a user's file to a prediction; the `labformer` command runs the pipelines.
"""

__version__ = "0.2.0"
