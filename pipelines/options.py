"""Options are dataclasses: their fields become the arguments of a command and the keys of a TOML file."""

import argparse
import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, Field, asdict, field, fields
from pathlib import Path
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from ..shared.errors import InputError

Options = TypeVar("Options")
METAVAR: dict[type[Any], str] = {str: "TEXT", int: "N", float: "NUMBER", bool: ""}


class UsageError(InputError):
    """An option that is needed was not typed; the command exits with 2."""


def option(default: Any = MISSING, text: str = "", metavar: str | None = None) -> Any:
    """A field with a line of help; without a default it must be given."""
    about = {"help": text, "metavar": metavar}
    return field(metadata=about) if default is MISSING else field(default=default, metadata=about)


def add_options(parser: argparse.ArgumentParser, kind: type[Any]) -> None:
    """Give a parser one `--name` for each field of the dataclass `kind`; none is filled in here."""
    hints = get_type_hints(kind)
    for one in fields(kind):
        name, text = f"--{one.name.replace('_', '-')}", one.metadata.get("help", "")
        wanted, several, choices = _shape(hints[one.name])
        if one.default not in (MISSING, None, (), False, ""):
            shown = ",".join(map(str, one.default)) if several else _short(one.default)
            text = f"{text} [{shown}]"
        text = text.replace("%", "%%")
        if wanted is bool:
            parser.add_argument(name, action=argparse.BooleanOptionalAction, default=None, help=text)
            continue
        metavar = one.metadata.get("metavar") or ("A,B" if several else METAVAR[wanted])
        parser.add_argument(
            name,
            type=_list_of(wanted) if several else wanted,
            choices=choices or None,
            metavar=None if choices else metavar,
            help=text,
            default=None,
        )


def options_from(kind: type[Options], typed: Mapping[str, Any], config: str | None) -> Options:
    """What was typed over what a TOML file says over the defaults.

    Raises InputError for a file that is missing or not TOML, for unknown names and values of a wrong kind, UsageError
    for a field that nobody gave.
    """
    values = _from_toml(kind, Path(config)) if config else {}
    values |= {name: value for name, value in typed.items() if value is not None}
    lacking = [one.name for one in fields(kind) if _required(one) and one.name not in values]  # type: ignore[arg-type]
    if lacking:
        raise UsageError(f"--{lacking[0].replace('_', '-')} is needed; see --help.")
    return kind(**values)


def to_toml(options: Any, about: Mapping[str, str]) -> str:
    """Options as TOML that `options_from` reads back; `about` goes to a table of its own that is not read."""
    lines = [f"{name} = {_value(value)}" for name, value in asdict(options).items() if value is not None]
    return "\n".join([*lines, "", "[made_by]", *(f"{name} = {_value(text)}" for name, text in about.items()), ""])


def _from_toml(kind: type[Any], path: Path) -> dict[str, Any]:
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read the config {path}: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"the config {path} is not TOML: {error}.") from error
    found.pop("made_by", None)
    hints = get_type_hints(kind)
    if unknown := sorted(set(found) - set(hints)):
        raise InputError(f"the config {path} has the unknown option {unknown[0]!r}; known: {', '.join(hints)}.")
    return {name: _checked(value, hints[name], name, path) for name, value in found.items()}


def _checked(value: Any, hint: Any, name: str, path: Path) -> Any:
    wanted, several, choices = _shape(hint)
    items = value if several and isinstance(value, list) else [value]
    if several != isinstance(value, list):
        raise InputError(f"the config {path}: {name} must be {'a list' if several else 'one value'}.")
    for index, item in enumerate(items):
        if wanted is float and type(item) is int:
            items[index] = float(item)
        elif type(item) is not wanted:
            raise InputError(f"the config {path}: {name} = {item!r} must be of type {wanted.__name__}.")
        if choices and item not in choices:
            raise InputError(f"the config {path}: {name} = {item!r} must be one of {', '.join(choices)}.")
    return tuple(items) if several else items[0]


def _shape(hint: Any) -> tuple[type[Any], bool, Sequence[str]]:
    """The plain type of a field, whether it is a tuple of them, and what it may be."""
    if get_origin(hint) in (Union, UnionType):
        hint = next(part for part in get_args(hint) if part is not type(None))
    if get_origin(hint) is tuple:
        return get_args(hint)[0], True, ()
    if get_origin(hint) is Literal:
        return str, False, get_args(hint)
    return hint, False, ()


def _list_of(wanted: type[Any]) -> Any:
    def parse(text: str) -> tuple[Any, ...]:
        return tuple(wanted(part.strip()) for part in text.split(",") if part.strip())

    parse.__name__ = f"list of {wanted.__name__}"
    return parse


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _required(one: "Field[Any]") -> bool:
    return one.default is MISSING and one.default_factory is MISSING


def _value(value: Any) -> str:
    if isinstance(value, str | bool | int | float):
        # TOML is stricter than JSON in two things: no halves of a surrogate pair, no bare DEL
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    items: Iterable[Any] = value
    return "[" + ", ".join(_value(item) for item in items) + "]"
