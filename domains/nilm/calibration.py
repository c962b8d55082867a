"""Intervals are calibrated on houses the models did not learn from, and measured on others again."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...shared.evaluation.conformal import scores_needed
from .answer import PERIODS, ApplianceBands, expected_powers
from .energy import energy
from .house import Estimate, House
from .intervals import MINUTE_EDGES, MINUTE_FLOOR, NOTHING, Bands, around, calibrate, energy_edges, energy_floor

Floats = NDArray[np.float64]
LEAST_COVERED = 0.5  # of a day or month with readings, to count
IN_QUESTION = 0.1  # probability from which a minute is in question: below, zero is right more often than was asked


class Pairs(NamedTuple):
    """Truth beside prediction, with the key that says in which bin they belong."""

    truth: Floats
    key: Floats
    predicted: Floats


def calibrate_on(
    houses: Sequence[House],
    said: Sequence[Mapping[str, Estimate]],
    counted: Mapping[str, float],
    coverage: float,
) -> dict[str, ApplianceBands]:
    """Bands of each appliance from houses in which it was metered.

    houses, said  what the chosen models say of each, unseen by them
    counted       by appliance, as `expected` takes it
    """
    power = [expected_powers(house, estimates, counted) for house, estimates in zip(houses, said, strict=True)]
    found = {}
    for name in counted:
        minutes = _joined(minute_pairs(house, one, name) for house, one in zip(houses, said, strict=True))
        bands = [calibrate(*minutes, MINUTE_EDGES, coverage, MINUTE_FLOOR)]
        days = [energy_pairs(house, one, name, "day") for house, one in zip(houses, power, strict=True)]
        every = _joined(days)
        bands.append(calibrate(*every, energy_edges(every.predicted), coverage, energy_floor(every.predicted)))
        months = _months(days, scores_needed(coverage))
        bands.append(calibrate(*months, NOTHING, coverage, energy_floor(months.predicted)))
        found[name] = ApplianceBands(*bands)
    return found


def _months(days: Sequence[Pairs | None], needed: int) -> Pairs:
    """Blocks of four weeks of days; of two or one where these are too few, which errs on the wide side."""
    for length in (28, 14, 7, 1):
        blocks = _joined(_blocks(one, length) for one in days)
        if len(blocks.truth) >= needed:
            return blocks
    return blocks


def _blocks(days: Pairs | None, length: int) -> Pairs | None:
    """Sums over consecutive days that were seen; what is left at the end is dropped."""
    if days is None:
        return None
    whole = len(days.truth) // length * length
    return Pairs(*(column[:whole].reshape(-1, length).sum(1) for column in days))


def minute_pairs(house: House, said: Mapping[str, Estimate], name: str) -> Pairs | None:
    """Minutes of a house; None when the appliance was not metered in it."""
    if name not in house.appliances_w:
        return None
    truth, estimate = house.appliances_w[name], said[name]
    real = np.isfinite(truth) & np.isfinite(estimate.on)
    return Pairs(*(one[real].astype(np.float64) for one in (truth, estimate.on, estimate.power_w)))


def energy_pairs(house: House, power_w: Mapping[str, NDArray[np.float32]], name: str, axis: str) -> Pairs | None:
    """Days or months of a house, kWh."""
    if name not in house.appliances_w:
        return None
    truth = np.where(np.isfinite(power_w[name]), house.appliances_w[name], np.nan)
    true = energy(house.local(), truth, house.step, PERIODS[axis])
    seen = true.covered >= (LEAST_COVERED if axis == "day" else LEAST_COVERED / 2)
    predicted = energy(house.local(), np.where(np.isfinite(truth), power_w[name], np.nan), house.step, PERIODS[axis])
    return Pairs(true.kwh[seen], predicted.kwh[seen], predicted.kwh[seen])


def coverage_table(
    houses: Sequence[House],
    said: Sequence[Mapping[str, Estimate]],
    counted: Mapping[str, float],
    bands: Mapping[str, ApplianceBands],
    coverage: float,
) -> pd.DataFrame:
    """How much truth the intervals hold on houses they were not calibrated on.

    -> columns appliance, level (minute in question, day, day of use, month), wanted, covered, width (W or kWh, mean),
       count. A minute is in question from a probability of .1; below, nearly every truth is 0 and so is the interval.
       Predictions of a kind that calibration never met, so that all the mains allow is in their interval, do not count.
    """
    power = [expected_powers(house, estimates, counted) for house, estimates in zip(houses, said, strict=True)]
    rows = []
    for name in counted:
        minutes = _joined(minute_pairs(house, one, name) for house, one in zip(houses, said, strict=True))
        pairs = {"minute in question": Pairs(*(column[minutes.key >= IN_QUESTION] for column in minutes))}
        for axis in PERIODS:
            pairs[axis] = _joined(
                energy_pairs(house, one, name, axis) for house, one in zip(houses, power, strict=True)
            )
        pairs["day of use"] = Pairs(*(column[pairs["day"].predicted > 0] for column in pairs["day"]))
        for level, found in pairs.items():
            band: Bands = getattr(bands[name], level.split()[0])
            found = Pairs(*(column[band.known(found.key)] for column in found))
            if not len(found.truth):
                continue
            minute = level.startswith("minute")
            low, high = band.interval(found.key, found.predicted) if minute else around(band, found.predicted)
            held = (found.truth >= low - 1e-9) & (found.truth <= high + 1e-9)
            rows.append((name, level, coverage, held.mean(), (high - low).mean(), len(held)))
    return pd.DataFrame(rows, columns=["appliance", "level", "wanted", "covered", "width", "count"])


def _joined(pairs: Iterable[Pairs | None]) -> Pairs:
    found = [one for one in pairs if one is not None]
    empty = Pairs(*(np.zeros(0) for _ in range(3)))
    return Pairs(*(np.concatenate(column) for column in zip(empty, *found, strict=True)))
