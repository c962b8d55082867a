"""Which column of a house's table is the mains, which are appliances, which is the voltage."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ...shared.errors import InputError
from ...shared.reading.cells import is_text
from ...shared.reading.stamps import reads_as_time
from ...shared.reading.table import Table, nearest, require_columns
from ...shared.reading.times import FAMILIAR
from .appliances import APPLIANCES, appliance
from .units import SPELLINGS, unit_in_name

# What data sets and loggers call the whole house, the surest first; letters and digits only.
MAINS = (
    *("aggregate", "mains", "main", "total", "totalpower", "wholehouse", "wholehome", "wholehousepower", "housetotal"),
    *("globalactivepower", "activepower", "use", "grid", "mainspower", "sitemeter", "smartmeter", "power", "import"),
    *("totalactivepower", "houseoverall", "housepower", "usage", "whe", "consumption", "energy", "electricity", "load"),
    *("demand", "current", "amps", "register", "watts", "kw", "kwh", "wh", "w", "value", "reading"),
)
VOLTAGE = ("voltage", "volts", "mainsvoltage", "v", "u")
FLAG = "issues"  # of REFIT: 1 where the mains are less than the appliances together


class Columns(NamedTuple):
    """Names of columns by what they hold."""

    mains: tuple[str, ...]  # several are summed: the phases of a house
    appliances: dict[str, str]  # column by name of the appliance
    voltage: str | None
    flag: str | None
    unread: tuple[str, ...] = ()  # all other numbers, but times

    def numeric(self) -> tuple[str, ...]:
        """All that are read as numbers, the mains first."""
        more = [name for name in (self.voltage, self.flag) if name]
        return (*self.mains, *self.appliances.values(), *more)


def folded(name: str) -> str:
    """A name without its unit, case, blanks and marks: `Washing_Machine (W)` is `washingmachine`."""
    return _bare(unit_in_name(name)[0])


def find_columns(
    table: Table,
    mains: str | Sequence[str] | None,
    appliances: Mapping[str, str] | None,
    voltage: str | float | None,
    time: str | Sequence[str] | None,
    unit: str | Mapping[str, str] | None = None,
) -> Columns:
    """Take the columns that are named, find the others by their names; the voltage only where the mains are in A.

    appliances  column by name of an appliance; None finds those that are called as one; empty for none
    Raises InputError when a named column is missing, or no column, or several, could be the mains.
    """
    clock = (time,) if isinstance(time, str) else tuple(time or ())
    if table.index:
        clock = (*clock, table.index)
    names = [name for name in table.frame.columns if name not in clock]
    wanted = (mains,) if isinstance(mains, str) else tuple(mains or ())
    named = dict(appliances or {})
    for name in named:
        appliance(name)
    require_columns(table, [*wanted, *named.values(), *([voltage] if isinstance(voltage, str) else [])])
    called = _appliances([name for name in names if name not in wanted])
    if appliances is None:
        named = {one: _only(table, one, columns) for one, columns in called.items()}
    found_voltage = voltage if isinstance(voltage, str) else None
    if voltage is None:
        found_voltage = next((name for name in names if folded(name) in VOLTAGE or _bare(name) in VOLTAGE), None)
    flag = next((name for name in names if folded(name) == FLAG), None)
    taken = {*named.values(), found_voltage, flag}
    others = {name for columns in called.values() for name in columns}
    if both := [name for name in wanted if name in taken]:
        raise InputError(
            f"{table.where}: column {both[0]!r} is named twice, as mains and as something else; choose one."
        )
    wanted = wanted or (_mains(table, [name for name in names if name not in taken | others]),)
    declared = dict.fromkeys(names, unit) if isinstance(unit, str) else dict(unit or {})
    if strange := [name for name in declared if name not in table.frame.columns]:
        raise InputError(
            f"{table.where}: unit= names {strange[0]!r}{nearest(strange[0], names)}, which is no column; those are "
            f"{table.columns()}."
        )
    stated = {declared.get(name) or table.units.get(name) or unit_in_name(name)[1] or "" for name in wanted}
    if not isinstance(voltage, str) and not any(SPELLINGS.get(one.strip().casefold()) == "A" for one in stated):
        found_voltage = None
    taken = {*wanted, *named.values(), found_voltage, flag}
    unread = tuple(name for name in names if name not in taken and _is_quantity(table, name))
    return Columns(wanted, named, found_voltage, flag, unread)


def clock_columns(table: Table, time: str | Sequence[str] | None) -> str | Sequence[str] | None:
    """The columns of time that are named; else a date beside a clock such as 17:24:00, where a table has them."""
    names = {_bare(name): name for name in table.frame.columns}
    if time is not None or table.index or not {"date", "time"} <= {*names}:
        return time
    cell = str(table.frame[names["time"]].iloc[0]).strip()
    return (names["date"], names["time"]) if re.fullmatch(r"\d{1,2}:\d{2}(:\d{2})?", cell) else None


def _mains(table: Table, names: list[str]) -> str:
    called = {name: folded(name) for name in names}
    for word in MAINS:
        fits = [name for name in names if called[name] == word or _bare(name) == word]
        if len(fits) == 1:
            others = [name for name in names if name != fits[0] and {called[name], _bare(name)} & {*MAINS}]
            if others:
                table.repairs.append(f"mains read from {fits[0]!r}, not from {' or '.join(map(repr, others))}")
            return fits[0]
        if fits:
            raise _choose(table, fits)
    legs = [name for name in names if re.fullmatch(rf"({'|'.join(MAINS)})\d", called[name])]
    if legs:
        raise _choose(table, legs)
    left = [name for name in names if _is_quantity(table, name)]
    if len(left) == 1:
        return left[0]
    raise InputError(
        f"{table.where}: no column is called as the mains of a house are (columns: {table.columns()}); name it with "
        f"mains={(left or names or ['Aggregate'])[0]!r} (--mains)."
    )


def _choose(table: Table, names: list[str]) -> InputError:
    listed = ", ".join(map(repr, names))
    return InputError(
        f"{table.where}: several columns could be the mains ({listed}); name one with mains={names[0]!r} (--mains), or "
        "all of them when they are phases of one house, to be summed."
    )


def _is_quantity(table: Table, name: str) -> bool:
    """Could this column be the mains: numbers that are neither times nor all text?"""
    column = table.frame[name]
    if not isinstance(column.iloc[0], str) and not is_text(column):
        return not reads_as_time(column, _bare(name) in FAMILIAR)
    head = column.head(200).dropna().astype(str).str.strip()
    head = head[head != ""]
    plain = head.str.fullmatch(r"[-+]?[\d.,' ]*\d[\d.,' ]*([eE][-+]?\d+)?").mean() if len(head) else 0
    return bool(plain > 0.5) and not reads_as_time(column, _bare(name) in FAMILIAR)


def _appliances(names: list[str]) -> dict[str, list[str]]:
    """Columns called as an appliance is: by its name, its title, or another spelling of it."""
    found: dict[str, list[str]] = {}
    for name in names:
        if one := appliance_of(name):
            found.setdefault(one, []).append(name)
    return found


def appliance_of(name: str) -> str | None:
    """The appliance that a column or a channel is called after, with a number or not."""
    words = {
        word: one.name for one in APPLIANCES.values() for word in (_bare(one.name), _bare(one.title), *one.columns)
    }
    for spelling in (_bare(name), folded(name)):
        if word := words.get(spelling) or words.get(spelling.rstrip("0123456789")):
            return word
    return None


def _only(table: Table, appliance: str, columns: list[str]) -> str:
    if len(columns) > 1:
        raise InputError(
            f"{table.where}: several columns could be the {appliance} ({', '.join(map(repr, columns))}); name one with "
            f"appliances={{{appliance!r}: {columns[0]!r}}}, or leave the others out."
        )
    return columns[0]


def _bare(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.casefold())
