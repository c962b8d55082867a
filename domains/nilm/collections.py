"""Houses of the catalogue: their monthly files as one `House`, on a clock that is right."""

from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from ...shared.datasets.catalogue import find, locate, row, rows
from ...shared.datasets.entry import DataSet
from ...shared.errors import InputError
from ...shared.reading.delimited import read_delimited
from ...shared.reading.files import read_table
from ...shared.reading.table import nearest
from ...shared.reading.times import read_times
from .data import read_house
from .house import House


@dataclass(frozen=True, slots=True)
class Collected:
    """What the files of a house say, beyond their cells."""

    files: str  # name of its file in the catalogue, or what the names of its months begin with
    zone: str  # of the house
    clock: str  # the column of times
    is_local: bool = False  # are stamps on the local clock? else in UTC
    local_from: str | None = None  # the first stamp on the local clock, where stamps were in UTC before
    cut_line: bool = False  # the last line is cut short


# What the clocks show is measured: the hour of the first kettle (shower) in the morning before and after each change.
# REFIT 2 and 20: 7.2 h and 7.1 h in March 2014, 6.3 h and 6.1 h from 30 March to September, 7.3 h and 7.1 h from 28
# September on, and no move on 26 October 2014 and 29 March 2015. So stamps are UTC at first; on 27 September 2014 an
# hour without readings, in both houses the same, leads over to local time. IDEAL 65: 7.7 h and 6.8 h around 25 March
# 2018, so UTC. UCI: all of it in winter; its page says nothing of the clock.
SWITCH = "2014-09-27 15:46"
HOUSES: dict[str, Collected] = {
    "refit-2": Collected("refit-2-", "Europe/London", "Time", local_from=SWITCH),
    "refit-20": Collected("refit-20-", "Europe/London", "Time", local_from=SWITCH),
    "ideal-65": Collected("ideal-65-", "Europe/London", "Time"),
    "uci": Collected("uci-household-1min", "Europe/Paris", "Datetime", is_local=True, cut_line=True),
}


def open_house(name: str, step: str | pd.Timedelta = "1min") -> House:
    """A house of the catalogue, all its months joined; hours that stand on no clock are left out.

    Stamps of REFIT are UTC until 27 September 2014 and British local time from then on, those of IDEAL are UTC: both
    come as moments, with the zone Europe/London. The repeated hour of 26 October 2014 stands once in the extract of
    REFIT, as the mean of both; it is read as the first, and the second is missing.

    Raises InputError for a name that is not known, and when a file is not on this machine or not what it must be.
    """
    if name not in HOUSES:
        raise InputError(f"no house is named {name!r}{nearest(name, HOUSES)}; known are {', '.join(HOUSES)}.")
    house = HOUSES[name]
    sources = [_with_moments(path, house) for path in house_files(name)]
    read = read_house(sources, zone=house.zone, step=step, name=name)
    said = f"stamps read as UTC before {house.local_from} and as local time from then on" if house.local_from else ""
    return replace(read, repairs=(said, *read.repairs)) if said else read


def house_rows(name: str) -> list[DataSet]:
    """Rows of the catalogue with the files of a house, in order of time."""
    return sorted((one for one in rows() if one.name.startswith(HOUSES[name].files)), key=lambda one: one.name)


def house_files(name: str) -> list[Path]:
    """Files of a house, in order of time, each verified; raises InputError that lists those that are not here."""
    names = [data_set.name for data_set in house_rows(name)]
    absent = [one for one in names if find(row(one)) is None and row(one).recipe is None]
    if len(absent) > 1:
        raise InputError(
            f"{len(absent)} of {len(names)} files of {name} are not on this machine; bring them with "
            f"`labformer data fetch '{HOUSES[name].files}*'`, or set LABFORMER_DATA to a folder that has them in "
            "nilm."
        )
    return [locate(one) for one in names]


def _with_moments(path: Path, house: Collected) -> pd.DataFrame:
    """The table of a file with its stamps as moments in UTC."""
    whole = read_delimited(path, path.read_bytes().rpartition(b"\n")[0]) if house.cut_line else read_table(path)
    frame = whole.frame
    stamps = read_times(whole, (house.clock,))
    local = stamps >= house.local_from if house.local_from else pd.Series(house.is_local, stamps).to_numpy()
    times = pd.Series(stamps.tz_localize("UTC"))
    times[local] = stamps[local].tz_localize(house.zone, ambiguous=[True] * int(local.sum()), nonexistent="NaT")
    kept = times.notna()
    if house.local_from:
        switch = pd.Timestamp(house.local_from, tz=house.zone)
        kept &= local | (times < switch).to_numpy()
    return frame[kept].assign(**{house.clock: times[kept]})
