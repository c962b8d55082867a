"""Extended XYZ, plain XYZ and the layout of sGDML as text: frames with all that stands beside the atoms."""

import re
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ....shared.errors import InputError
from .elements import atomic_numbers
from .raw import RawFrame

# key=value with a value in quotes, braces, brackets or bare; or a bare word, which is a flag.
PAIR = re.compile(r"""([^\s="'{}\[\],]+)\s*=\s*("(?:[^"\\]|\\.)*"|'[^']*'|\{[^}]*\}|\[[^\]]*\]|[^\s"']*)""")
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
GROUPS = ("config_type", "trajectory", "traj", "group", "name", "system")  # keys that tell kinds of frames apart
KINDS = {"R": np.float64, "I": np.int64, "L": np.bool_, "S": np.str_}


class Column(NamedTuple):
    """One property of the atoms: columns [start, stop) of a line."""

    name: str
    kind: str
    start: int
    stop: int


def read_extxyz(text: str, path: str) -> tuple[list[RawFrame], list[str]]:
    """All frames of a file, and what was guessed. Raises InputError with frame and line at whatever is malformed."""
    lines = text.splitlines()
    found: list[RawFrame] = []
    notes: dict[str, None] = {}
    at = 0
    while at < len(lines):
        if not lines[at].strip():
            at += 1
            continue
        where = f"{path}, frame {len(found)}"
        count = _count(lines, at, where, bool(found))
        body = lines[at + 2 : at + 2 + count]
        _refuse_short(body, count, at, where, at + 2 + count > len(lines))
        comment = lines[at + 1] if at + 1 < len(lines) else ""
        found.append(_frame(comment, body, at + 3, where, notes))
        at += 2 + count
    return found, list(notes)


def _count(lines: list[str], at: int, where: str, later: bool) -> int:
    line = lines[at].strip()
    if line.isdigit() and int(line) > 0:
        return int(line)
    if line == "0":
        raise InputError(f"{where}: line {at + 1} says 0 atoms; leave out a frame without atoms.")
    before = ", or the number of atoms of the frame before is too small" if later else ""
    raise InputError(f"{where}: line {at + 1} must be the number of atoms, it is {_cut(line)}{before}; correct it.")


def _refuse_short(body: list[str], count: int, at: int, where: str, ends: bool) -> None:
    blank = next((place for place, line in enumerate(body) if not line.strip()), len(body))
    if ends and blank >= len(body) - 1:
        raise InputError(
            f"{where}: line {at + 1} says {count} atoms and the file ends after {blank} of them; it is cut short, or "
            "the number is wrong: write or download it again."
        )
    if blank < len(body):
        raise InputError(f"{where}: line {at + 1} says {count} atoms and line {at + 3 + blank} is blank; correct it.")


def _frame(comment: str, body: list[str], first: int, where: str, notes: dict[str, None]) -> RawFrame:
    """One frame; `first` is the line of its first atom as a person counts."""
    info = pairs(comment)
    rows = [line.split() for line in body]
    properties = info.pop("Properties", info.pop("properties", None))
    if properties is None:
        columns = _plain_columns(comment, len(rows[0]), info, where, notes)
    else:
        columns = _columns(str(properties), where)
    width = columns[-1].stop
    for place, row in enumerate(rows):
        if len(row) != width:
            like = "like the start of another frame: the number of atoms is wrong" if len(row) == 1 else "broken"
            raise InputError(
                f"{where}: line {first + place} has {len(row)} columns where {width} are due, it looks {like}; "
                f"it reads {_cut(body[place])}."
            )
    arrays = {column.name: _values(rows, column, first, where) for column in columns}
    species = next(
        (arrays.pop(name) for name in ("species", "symbols", "element", "Z", "numbers") if name in arrays), None
    )
    positions = next((arrays.pop(name) for name in ("pos", "positions", "R") if name in arrays), None)
    if species is None or positions is None or positions.shape != (len(rows), 3):
        raise InputError(f"{where}: Properties={properties} names no species, or no pos:R:3; both are needed.")
    numbers = atomic_numbers([str(one) for one in species], where)
    cell, pbc = _cell(info, where), _pbc(info, where)
    group = "; ".join(f"{info[key]}" for key in GROUPS if isinstance(info.get(key), str))
    return RawFrame(numbers, positions, cell, pbc, where, info, arrays, group)


def _plain_columns(comment: str, width: int, info: dict[str, Any], where: str, notes: dict[str, None]) -> list[Column]:
    """Columns of a file whose comment has no Properties."""
    atoms = [Column("species", "S", 0, 1), Column("pos", "R", 1, 4)]
    bare = comment.strip()
    if width == 4:
        if NUMBER.fullmatch(bare):
            info["energy"] = float(bare)
            notes["the comment line is one number, read as the energy"] = None
        return atoms
    if width == 7 and NUMBER.fullmatch(bare):
        info["energy"] = float(bare)
        notes["the comment line is one number and atoms have six: read as energy, positions and forces"] = None
        return [*atoms, Column("forces", "R", 4, 7)]
    raise InputError(
        f"{where}: the atoms have {width} columns and the comment line does not say what they are; begin it with "
        "Properties=species:S:1:pos:R:3:forces:R:3 (or what they are)."
    )


def _columns(properties: str, where: str) -> list[Column]:
    parts = properties.split(":")
    columns: list[Column] = []
    at = 0
    for name, kind, size in zip(parts[::3], parts[1::3], parts[2::3], strict=False):
        if kind not in KINDS or not size.isdigit() or size == "0":
            raise InputError(f"{where}: Properties has {name}:{kind}:{size}; write NAME:S|R|I|L:COLUMNS.")
        columns.append(Column(name, kind, at, at + int(size)))
        at += int(size)
    if len(parts) % 3 or not columns:
        raise InputError(f"{where}: Properties={properties} is not a list of NAME:KIND:COLUMNS.")
    if twice := {one.name for one in columns if sum(one.name == other.name for other in columns) > 1}:
        raise InputError(f"{where}: Properties names {sorted(twice)[0]!r} twice; leave one out.")
    return columns


def _values(rows: list[list[str]], column: Column, first: int, where: str) -> NDArray[Any]:
    """(atom,) of one column, (atom, column) of several."""
    cells = [row[column.start : column.stop] for row in rows]
    try:
        if column.kind == "L":
            values: NDArray[Any] = np.array([[cell[:1] in "Tt1" for cell in row] for row in cells])
        else:
            values = np.array(cells).astype(KINDS[column.kind])
    except ValueError:
        for place, row in enumerate(cells):
            for cell in row:
                _number(cell, f"{where}: line {first + place}, {column.name}")
        raise InputError(f"{where}: {column.name} holds no whole numbers, though Properties says so.") from None
    return values[:, 0] if column.stop - column.start == 1 else values


def _number(cell: str, where: str) -> float:
    try:
        return float(cell)
    except ValueError:
        why = "decimal commas: write points" if re.fullmatch(r"[-+]?\d+,\d+", cell) else "no number: correct it"
        raise InputError(f"{where} is {_cut(cell)}, {why}.") from None


def pairs(comment: str) -> dict[str, Any]:
    """Keys of a comment line with their values: number, array of numbers, truth or text."""
    return {key: _value(text.strip()) for key, text in PAIR.findall(comment)}


def _value(text: str) -> Any:
    quoted = text[:1] in "\"'{[" and len(text) > 1
    inner = text[1:-1] if quoted else text.rstrip(",;")
    words = inner.replace("[", " ").replace("]", " ").replace(",", " ").split() if quoted else [inner]
    if words and all(NUMBER.fullmatch(word) or word.lower().lstrip("+-") in ("nan", "inf") for word in words):
        numbers = np.array([float(word) for word in words])
        return float(numbers[0]) if len(numbers) == 1 else numbers
    if words and all(word in ("T", "F", "True", "False", "true", "false") for word in words):
        truths = np.array([word[0] in "Tt" for word in words])
        return bool(truths[0]) if len(truths) == 1 else truths
    return inner


def _cell(info: dict[str, Any], where: str) -> NDArray[np.float64] | None:
    lattice = next((info.pop(key) for key in ("Lattice", "lattice", "cell") if key in info), None)
    if lattice is None:
        return None
    values = lattice if isinstance(lattice, np.ndarray) else np.zeros(0)
    if values.dtype != np.float64 or values.size not in (3, 9):
        raise InputError(f'{where}: Lattice is {_cut(str(lattice))}; write nine numbers, "ax ay az bx by bz cx cy cz".')
    return np.diag(values) if values.size == 3 else values.reshape(3, 3)


def _pbc(info: dict[str, Any], where: str) -> NDArray[np.bool_] | None:
    if "pbc" not in info:
        return None
    value = np.atleast_1d(np.asarray(info.pop("pbc")))
    if value.size not in (1, 3) or value.dtype.kind not in "bf":
        raise InputError(f'{where}: pbc is {_cut(str(value))}; write three letters, pbc="T T T".')
    return np.broadcast_to(value.astype(bool), 3).copy()


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return repr(text if len(text) <= 40 else text[:37] + "...")
