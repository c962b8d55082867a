"""`labformer models [--json]`: the systems of the suite, their papers and their state."""

import argparse
import json
import sys
from importlib import import_module

from ..shared.evaluation.table import Table
from .verbs import SYSTEMS

FIELDS = ("name", "domain", "pipeline", "paper", "state", "note")


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    """Add the verb `models`."""
    parser = subparsers.add_parser("models", help="the systems of the suite, their papers and their state")
    parser.add_argument("--json", action="store_true", help="a list of objects")
    return parser


def systems() -> list[dict[str, str]]:
    """All systems, each with the `FIELDS`."""
    return [dict(one) for name in SYSTEMS for one in import_module(name, __package__).SYSTEMS]


def run(arguments: argparse.Namespace) -> int:
    """Print the list."""
    found = systems()
    if arguments.json:
        sys.stdout.write(json.dumps(found, indent=1) + "\n")
    else:
        rows = [[one[field] for field in FIELDS] for one in found]
        sys.stdout.write(Table(FIELDS, rows).to_text() + "\n")
    return 0
