"""`labformer data list|fetch|check`: the data sets that the suite knows, on the command line."""

import argparse
import fnmatch
import json
import sys
from dataclasses import asdict

from ..shared.datasets import catalogue
from ..shared.datasets.entry import DataSet
from ..shared.errors import InputError


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    """Add the verb `data` with its three actions."""
    parser = subparsers.add_parser("data", help="list, fetch and check the data sets of the catalogue")
    actions = parser.add_subparsers(dest="action", required=True, metavar="list|fetch|check")
    listing = actions.add_parser("list", help="what the catalogue knows and what is on this machine")
    listing.add_argument("--json", action="store_true", help="everything that is known, as JSON")
    fetching = actions.add_parser("fetch", help="download a data set, verify it and print its path")
    fetching.add_argument("names", metavar="NAME", nargs="+", help="names or patterns, such as 'refit-2-*'")
    fetching.add_argument("--accept", action="store_true", help="use it although its licence is unknown")
    checking = actions.add_parser("check", help="verify the files on this machine against the catalogue")
    checking.add_argument("names", metavar="NAME", nargs="*", help="all that are on this machine when left out")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Do what was typed; results go to stdout, -> the exit code. Raises InputError as the catalogue does."""
    match arguments.action:
        case "list":
            return _list(arguments.json)
        case "fetch":
            return _fetch(arguments.names, arguments.accept)
        case _:
            return _check(arguments.names)


def _list(as_json: bool) -> int:
    if as_json:
        known = [{**asdict(data_set), "place": _place(data_set)} for data_set in catalogue.rows()]
        sys.stdout.write(json.dumps(known, indent=1) + "\n")
        return 0
    table = [("NAME", "WHERE", "SIZE", "LICENCE", "TITLE")]
    table += [(it.name, _place(it), it.size, it.licence, it.title) for it in catalogue.rows()]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for line in table:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        sys.stdout.write("  ".join(cells).rstrip() + "\n")
    return 0


def _fetch(names: list[str], accept: bool) -> int:
    known = [data_set.name for data_set in catalogue.rows()]
    for name in dict.fromkeys(found for pattern in names for found in fnmatch.filter(known, pattern) or [pattern]):
        data_set = catalogue.row(name)
        path = catalogue.fetch(name, accept=accept, progress=sys.stderr.isatty())
        sys.stderr.write(f"{data_set.title}; licence: {data_set.licence}; please cite: {data_set.citation}\n")
        sys.stdout.write(f"{path}\n")
    return 0


def _check(names: list[str]) -> int:
    """One line a data set; 1 when a file differs, or when one that was named is absent."""
    asked = [catalogue.row(name) for name in names] or [it for it in catalogue.rows() if catalogue.find(it)]
    failed = 0
    for data_set in asked:
        try:
            path = catalogue.check(data_set.name)
            verdict = f"ok {path}" if path else "absent"
        except InputError as error:
            path, verdict = None, str(error)
        failed += path is None
        sys.stdout.write(f"{data_set.name}: {verdict}\n")
    return 1 if failed else 0


def _place(data_set: DataSet) -> str:
    found = catalogue.find(data_set)
    return found.place if found else "absent"
