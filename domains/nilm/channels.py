"""Houses as UK-DALE and REDD keep them: a folder of `channel_1.dat`, `channel_2.dat`, .. and `labels.dat`, their names.

Each line of a channel is a moment in seconds since 1970 and a power in watts, with a blank between them (Kelly &
Knottenbelt 2015, Scientific Data 2; Kolter & Johnson 2011, SustKDD). UK-DALE measures mains and appliances each on a
clock of its own; REDD has the two phases of its mains as two channels, on one clock.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from ...shared.errors import InputError
from .columns import appliance_of, folded
from .data import read_house
from .house import House
from .resampling import resample

LABELS = "labels.dat"
MAINS = ("aggregate", "mains")
OPTIONS = ("zone", "step", "max_gap")  # of `read_house`, that mean something here


def is_channels(folder: str | Path) -> bool:
    """Whether a folder is a house of channels."""
    return (Path(folder) / LABELS).is_file()


def read_channels(folder: str | Path, *, with_appliances: bool = True, **reading: Any) -> House:
    """Read such a folder; appliances that the suite knows come with it, all others stay in the mains.

    reading  zone, step and max_gap of `read_house`
    Raises InputError when a label or a channel cannot be read, or no channel, or another number than the phases of
    one clock, is the mains.
    """
    place = Path(folder)
    labels = _labels(place / LABELS)
    mains = [number for number, label in labels.items() if folded(label) in MAINS]
    if not mains:
        raise InputError(
            f"{place / LABELS}: no channel is called {' or '.join(MAINS)}; those are {', '.join(labels.values())}."
        )
    wanted = {name: value for name, value in reading.items() if name in OPTIONS and value is not None}
    house = read_house(_phases(place, mains), mains="power_w", unit="W", time="time", **wanted, name=place.name)
    appliances, said = {}, list(house.repairs)
    if len(mains) > 1:
        said.append(f"mains are the sum of channels {' and '.join(map(str, mains))}")
    for number, label in labels.items() if with_appliances else ():
        name = appliance_of(label)
        if name is None:
            continue
        if name in appliances:
            said.append(f"channel {number} ({label}) is a second {name}: it stays in the mains")
            continue
        meter = _channel(place, number)
        moments = pd.DatetimeIndex(meter["time"])
        gap = {"max_gap": wanted["max_gap"]} if "max_gap" in wanted else {}
        power = resample(moments, meter["power_w"].to_numpy(), house.step, grid=house.times, **gap)[1]
        appliances[name] = np.where(np.isfinite(house.mains_w), power, np.nan).astype(np.float32)
    return replace(house, appliances_w=appliances, repairs=tuple(said))


def read_channel(path: str | Path, **reading: Any) -> House:
    """Read one channel alone as the mains of a house; `reading` and errors as of `read_channels`."""
    wanted = {name: value for name, value in reading.items() if name in OPTIONS and value is not None}
    return read_house(_meter(Path(path)), mains="power_w", unit="W", time="time", **wanted, name=Path(path).stem)


def _labels(path: Path) -> dict[int, str]:
    """Name by number of a channel."""
    found: dict[int, str] = {}
    for row, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        if not line.strip():
            continue
        number, _, label = line.strip().partition(" ")
        if not number.isdigit() or not label.strip():
            raise InputError(f"{path}, line {row}: {line!r} is not a number of a channel and its name.")
        found[int(number)] = label.strip()
    if not found:
        raise InputError(f"{path} names no channel.")
    return found


def _phases(place: Path, numbers: list[int]) -> pd.DataFrame:
    """The sum of channels at the moments they share."""
    parts = [_channel(place, number).set_index("time")["power_w"] for number in numbers]
    whole = pd.concat(parts, axis=1, join="inner")
    if len(whole) < 0.5 * len(parts[0]):
        raise InputError(
            f"{place}: the mains are channels {', '.join(map(str, numbers))}, which share {len(whole):,} of "
            f"{len(parts[0]):,} moments; phases of one house have one clock. Leave one in {LABELS}."
        )
    return whole.sum(axis=1).rename("power_w").reset_index()


def _channel(place: Path, number: int) -> pd.DataFrame:
    """Moments and watts of one channel."""
    path = place / f"channel_{number}.dat"
    if not path.is_file():
        raise InputError(f"{path} is missing, though {LABELS} names it; bring it, or take its line out.")
    return _meter(path)


def _meter(path: Path) -> pd.DataFrame:
    """Moments and watts of a file."""
    try:
        table = pyarrow.csv.read_csv(
            path,
            read_options=pyarrow.csv.ReadOptions(column_names=["seconds", "power_w"]),
            parse_options=pyarrow.csv.ParseOptions(delimiter=" "),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(["seconds", "power_w"], pa.float64())
            ),
        )
    except pa.ArrowInvalid as error:
        raise InputError(
            f"{path}: each line is a moment in seconds since 1970, a blank, and watts; {str(error).splitlines()[0]}"
        ) from None
    frame = table.to_pandas()
    if not len(frame):
        raise InputError(f"{path} is empty; bring it again.")
    if not np.isfinite(frame.to_numpy()).all() or (frame["power_w"] < 0).any():
        bad = int(np.flatnonzero(~np.isfinite(frame.to_numpy()).all(1) | (frame["power_w"] < 0).to_numpy())[0])
        raise InputError(f"{path}, line {bad + 1}: powers are watts, 0 or more; mend or leave out that line.")
    frame = frame.sort_values("seconds", kind="stable").drop_duplicates("seconds")
    moments = pd.to_datetime((frame["seconds"] * 1000).round().astype("int64"), unit="ms", utc=True)
    return frame.assign(time=moments)[["time", "power_w"]]
