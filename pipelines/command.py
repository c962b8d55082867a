"""The `labformer` command: VERB PIPELINE [options]; results to --out or stdout, progress and log to stderr.

Exit codes: 0 done, 1 failed (one line on stderr says why), 2 typed wrong, 130 interrupted.
"""

import argparse
import gc
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from .. import __version__
from ..shared.errors import InputError, MissingExtra
from . import data_command, models_command
from .options import UsageError, add_options, options_from
from .verbs import PIPELINES, Verb


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; -> its exit code."""
    typed = _parser().parse_args(arguments)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _say
            return int(typed.do(typed))
    except (InputError, MissingExtra) as error:
        sys.stderr.write(f"labformer: {error}\n")
        return 2 if isinstance(error, UsageError) else 1
    except OSError as error:
        sys.stderr.write(f"labformer: {error.strerror or error}: {error.filename or 'see above'}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("labformer: interrupted; no half-written result is left.\n")
        return 130


def _say(message: Warning | str, *_: Any, **__: Any) -> None:
    """A warning is one line of the log, without the place in the code."""
    sys.stderr.write(f"warning: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="labformer",
        description="One transformer core, many sciences: a file in, a trustworthy prediction out.",
        epilog="Each verb and pipeline has its own help: labformer run load-forecast --help",
    )
    parser.add_argument("--version", action="version", version=f"labformer {__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for verb in ("run", "fit", "predict", "evaluate", "bench"):
        offering = {name: known[verb] for name, known in PIPELINES.items() if verb in known}
        one = verbs.add_parser(verb, help=HELP[verb])
        pipelines = one.add_subparsers(dest="pipeline", required=True, metavar="PIPELINE")
        for name, offered in offering.items():
            _add_verb(pipelines, name, offered)
    models_command.add_parser(verbs).set_defaults(do=models_command.run)
    data_command.add_parser(verbs).set_defaults(do=data_command.run)
    return parser


HELP = {
    "run": "everything, on the embedded default or --data FILE, into a run folder",
    "fit": "fit on a file and save a model folder",
    "predict": "forecast from a model folder",
    "evaluate": "score a model folder on rows it was not fitted on",
    "bench": "published models on published data, as JSON",
}


def _add_verb(pipelines: Any, name: str, offered: Verb) -> None:
    parser = pipelines.add_parser(name, help=offered.text, description=offered.text)
    if offered.cases:
        parser.add_argument("cases", nargs="*", metavar="CASE", help=f"any of: {', '.join(offered.cases)}")
    kind = getattr(import_module(offered.options_module, __package__), offered.options)
    add_options(parser, kind)
    parser.add_argument("--config", metavar="FILE.toml", help="take options from a file; what is typed goes before it")

    def do(typed: argparse.Namespace) -> int:
        values = {name: getattr(typed, name) for name in kind.__dataclass_fields__}
        options = options_from(kind, values, typed.config)
        function = _imported(offered.module, offered.function)
        return int(function(typed.cases, options) if offered.cases else function(options))

    parser.set_defaults(do=do)


def _imported(module: str, name: str) -> Any:
    """A name of a heavy module; garbage is not looked for meanwhile, which would take a fifth of the time."""
    looked = gc.isenabled()
    gc.disable()
    try:
        return getattr(import_module(module, __package__), name)
    finally:
        if looked:
            gc.enable()


if __name__ == "__main__":
    sys.exit(main())
