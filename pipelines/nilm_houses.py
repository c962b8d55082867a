"""Which houses a run learns from and which it is scored on: simulated, the user's, or the catalogue's."""

import hashlib
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ..domains.nilm.channels import is_channels, read_channels
from ..domains.nilm.collections import house_files, house_rows, open_house
from ..domains.nilm.data import read_house
from ..domains.nilm.house import House
from ..domains.nilm.opening import files_of, open_mains
from ..domains.nilm.simulate import simulate
from ..domains.nilm.split import first_and_last
from ..shared.errors import InputError
from ..shared.reading.grid import say_duration
from .nilm_options import NilmFitting, NilmReading

SIMULATED = ("kettle", "dishwasher", "washing_machine", "microwave")
TRAINED, VALIDATED, TESTED = (1, 2), 3, 4  # seeds of the simulated households
DAYS, TEST_DAYS = 14, 28
ZONE = "Europe/London"  # of the simulated households: the sources of the simulator are British


class Houses(NamedTuple):
    """The houses by what they are for, and how they were divided."""

    train: list[House]
    validation: list[House] | None  # None: the last quarter of those that are trained on
    test: list[House]
    split: str  # in words
    appliances: tuple[str, ...]  # all that some house to train on has metered
    simulated: bool = False
    note: str = ""  # licence and source of the houses of the catalogue


def gather(options: NilmFitting, test: float = 0.0) -> Houses:
    """Read or simulate the houses; without a house to score on, the last share `test` of each is kept for that.

    Raises InputError for a house on both sides, a share that is none, or houses too short to be split.
    """
    if not 0 <= test < 1:
        raise InputError(f"--test {test:g} is no share of a house; give one from 0 to 1, such as 0.25.")
    if not options.data and not options.houses:
        return _simulated(options)
    if both := {*options.data, *options.houses} & {*options.test_data, *options.test_houses}:
        raise InputError(f"{sorted(both)[0]} is both learnt from and scored on; a house can only be one of them.")
    train = _read(options.data, options.houses, options)
    tested = _read(options.test_data, options.test_houses, options)
    split = "trained on " + _named(train) + (f", tested on {_named(tested)}, never seen before" if tested else "")
    if not tested and test:
        train, last = first_and_last(train, 1 - test)
        tested = [replace(house, name=f"{house.name} (last {test:.0%})") for house in last]
        split += f", tested on their last {test:.0%} of days: of the same houses, never at random"
    wanted = options.appliances or tuple(dict.fromkeys(name for house in train for name in house.appliances_w))
    if blind := [house.name for house in tested if not {*house.appliances_w} & {*wanted}]:
        raise InputError(f"{blind[0]} has metered none of {', '.join(wanted)}; it cannot be scored on.")
    return Houses(train, None, tested, split, wanted, note=_credits(options.houses))


def read_metered(source: str, options: NilmReading, step: str | pd.Timedelta, columns: Sequence[str] = ()) -> House:
    """A house with its appliances, from a file, a folder of its files, or one of channels as of UK-DALE."""
    if wrong := [pair for pair in columns if "=" not in pair]:
        raise InputError(f"--columns {wrong[0]!r} is not APPLIANCE=COLUMN, such as kettle=Appliance8.")
    named = {name.strip(): column.strip() for name, _, column in (pair.partition("=") for pair in columns)}
    if is_channels(source):
        return _metered(read_channels(source, **reading(options, step)), source)
    name = Path(source).name if Path(source).is_dir() else None
    house = read_house(files_of(source), appliances=named or None, name=name, **reading(options, step))
    return _metered(house, source)


def read_whole(source: str, options: NilmReading, step: str | pd.Timedelta) -> House:
    """The mains of a house alone, from a file, a folder of its files, or one of channels as of UK-DALE."""
    return open_mains(source, **reading(options, step))


def _metered(house: House, source: str) -> House:
    if not house.appliances_w:
        raise InputError(
            f"{source}: no column is called as an appliance is; name them with --columns kettle=COLUMN,.. to learn "
            "from the house or be scored on it."
        )
    return house


def reading(options: NilmReading, step: str | pd.Timedelta) -> dict[str, Any]:
    """The options of reading as `read_house` takes them."""
    volts: str | float | None = options.voltage
    with suppress(ValueError):  # then it is the name of a column
        volts = float(options.voltage) if options.voltage is not None else None
    return {
        "mains": options.mains or None,
        "unit": options.unit,
        "voltage": volts,
        "time": options.time[0] if len(options.time) == 1 else options.time or None,
        "zone": options.zone,
        "first_year": options.first_year,
        "max_gap": options.max_gap,
        "step": step,
    }


def say(house: House) -> None:
    """Say on stderr what was read and what was repaired."""
    sys.stderr.write(summary(house) + "\n")
    for repair in house.repairs:
        sys.stderr.write(f"repaired: {repair}\n")
    for odd in house.odd:
        sys.stderr.write(f"warning: {odd}\n")


def summary(house: House) -> str:
    """What a house holds, in a sentence."""
    clock, real = house.local(), np.isfinite(house.mains_w)
    metered = f", metered: {', '.join(house.appliances_w)}" if house.appliances_w else ""
    return (
        f"{house.name}: mains from {clock[0]:%d %b %Y} to {clock[-1]:%d %b %Y} "
        f"({house.zone or 'the clock as written'}), {real.mean():.1%} of {len(real):,} steps of "
        f"{say_duration(house.step)} have readings, {float(np.nanmean(house.mains_w)):,.0f} W in the mean{metered}"
    )


def sha256(options: NilmFitting) -> str:
    """Of all files that were read, in order; of nothing for simulated houses."""
    files = [path for source in (*options.data, *options.test_data) for path in map(Path, files_of(source))]
    files += [path for name in (*options.houses, *options.test_houses) for path in house_files(name)]
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest() if files else "simulated"


def _simulated(options: NilmFitting) -> Houses:
    if options.columns or options.test_data or options.test_houses or options.mains:
        raise InputError("--mains, --columns and --test-.. go with houses to learn from; give --data or --houses.")

    def home(seed: int, days: int = DAYS) -> House:
        house = simulate(days, seed=100 * options.seed + seed, step=options.step, start="2024-01-15", zone=ZONE)
        return replace(house, name=f"simulated-{seed}")

    train, validation, test = [home(seed) for seed in TRAINED], [home(VALIDATED)], [home(TESTED, TEST_DAYS)]
    split = (
        f"everything here is simulated: {len(train)} simulated households of {DAYS} days to train on, another to "
        f"choose on, tested on {TEST_DAYS} days of one more that was never seen"
    )
    return Houses(train, validation, test, split, options.appliances or SIMULATED, True)


def _read(sources: Sequence[str], names: Sequence[str], options: NilmFitting) -> list[House]:
    houses = [read_metered(source, options, options.step, options.columns) for source in sources]
    houses += [open_house(name, options.step) for name in names]
    for house in houses:
        say(house)
    return houses


def _credits(names: Sequence[str]) -> str:
    """Who is to be named for the houses of the catalogue, and under which licence."""
    found = [row for name in names for row in house_rows(name)]
    return "; ".join(dict.fromkeys(f"{row.citation} ({row.licence})" for row in found))


def _named(houses: Sequence[House]) -> str:
    return ", ".join(house.name for house in houses)
