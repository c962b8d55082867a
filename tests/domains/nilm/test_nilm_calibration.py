"""Laws of calibration and of its measurement, on houses whose answers are made up to be known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from labformer.domains.nilm.answer import ApplianceBands
from labformer.domains.nilm.calibration import calibrate_on, coverage_table, energy_pairs, minute_pairs
from labformer.domains.nilm.house import Estimate, House
from labformer.domains.nilm.intervals import Bands

DAYS, MINUTES = 40, 1440
COUNTED = {"kettle": 1.0}


def house(truth: np.ndarray) -> House:
    times = pd.date_range("2024-01-01", periods=len(truth), freq="1min", tz="UTC")
    mains = np.full(len(truth), 9000, np.float32)
    return House("made", times, pd.Timedelta("1min"), mains, {"kettle": truth.astype(np.float32)})


def certain(power: np.ndarray) -> dict[str, Estimate]:
    return {"kettle": Estimate(power.astype(np.float32), (power > 0).astype(np.float32))}


def wide(low: float, high: float) -> ApplianceBands:
    one = Bands(0.9, 0.0, np.array([1e-9]), np.array([0, low]), np.array([0, high]), np.array([99, 99]))
    return ApplianceBands(one, one, one)


RUNS = np.arange(DAYS * MINUTES) % MINUTES // 10 == 50  # ten minutes a day
SAID = np.where(RUNS, 2000.0, 0)
BY_DAY = np.repeat(np.linspace(0.5, 1.5, DAYS), MINUTES)  # truth over prediction


def test_bands_hold_the_ratios_that_were_seen() -> None:
    bands = calibrate_on([house(SAID * 1.1)], [certain(SAID)], COUNTED, 0.9)["kettle"]
    low, high = bands.minute.interval([1.0, 0.0], [2000, 0])
    np.testing.assert_allclose([low[0], high[0]], 2200, rtol=1e-5)
    assert low[1] == high[1] == 0
    kwh = 2 / 6
    low, high = bands.day.interval([kwh], [kwh])
    np.testing.assert_allclose([low[0], high[0]], 1.1 * kwh, rtol=1e-5)


def test_days_cover_in_their_own_data_what_was_asked() -> None:
    one = house(SAID * BY_DAY)
    bands = calibrate_on([one], [certain(SAID)], COUNTED, 0.8)
    table = coverage_table([one], [certain(SAID)], COUNTED, bands, 0.8).set_index("level")
    assert table.loc["day", "covered"] == pytest.approx(34 / 40)  # ranks 4 to 37
    assert table.loc["day", "count"] == DAYS
    assert set(table.index) == {"minute in question", "day", "day of use", "month"}
    assert (table["wanted"] == 0.8).all()


def test_coverage_and_width_are_counted_exactly() -> None:
    one = house(SAID * BY_DAY)
    table = coverage_table([one], [certain(SAID)], COUNTED, {"kettle": wide(0.75, 1.25)}, 0.9).set_index("level")
    inside = np.abs(np.linspace(0.5, 1.5, DAYS) - 1) <= 0.25
    assert table.loc["day", "covered"] == pytest.approx(inside.mean())
    assert table.loc["minute in question", "covered"] == pytest.approx(inside.mean())
    assert table.loc["minute in question", "count"] == RUNS.sum()  # quiet minutes do not flatter it
    assert table.loc["minute in question", "width"] == pytest.approx(0.5 * 2000)
    assert table.loc["day", "width"] == pytest.approx(0.5 / 3, rel=1e-5)
    assert table.loc["month", "count"] == 2


def test_days_of_use_are_those_on_which_something_was_found() -> None:
    said = np.where(np.arange(DAYS * MINUTES) < 10 * MINUTES, SAID, 0)
    table = coverage_table([house(SAID)], [certain(said)], COUNTED, {"kettle": wide(0.9, 1.1)}, 0.9)
    table = table.set_index("level")
    assert table.loc["day", "covered"] == pytest.approx(10 / DAYS)  # the others used energy that was not found
    assert table.loc["day of use", "count"] == 10
    assert table.loc["day of use", "covered"] == 1


def test_houses_without_the_meter_neither_calibrate_nor_are_measured() -> None:
    bare = replace(house(SAID * 9), appliances_w={})
    one = house(SAID * BY_DAY)
    assert minute_pairs(bare, certain(SAID), "kettle") is None
    assert energy_pairs(bare, {"kettle": SAID.astype(np.float32)}, "kettle", "day") is None
    alone = calibrate_on([one], [certain(SAID)], COUNTED, 0.9)["kettle"]
    both = calibrate_on([bare, one], [certain(SAID)] * 2, COUNTED, 0.9)["kettle"]
    assert [at.to_dict() for at in alone] == [at.to_dict() for at in both]
    assert coverage_table([bare], [certain(SAID)], COUNTED, {"kettle": wide(0, 1)}, 0.9).empty


def test_minutes_without_readings_are_no_zeros_and_hardly_seen_days_do_not_count() -> None:
    truth = SAID.copy()
    truth[:800] = np.nan  # more than half of the first day
    truth[MINUTES : MINUTES + 400] = np.nan  # less of the second, before it runs at minute 500
    one = house(truth)
    pairs = minute_pairs(one, certain(SAID), "kettle")
    assert pairs is not None
    assert len(pairs.truth) == DAYS * MINUTES - 1200
    days = energy_pairs(one, {"kettle": SAID.astype(np.float32)}, "kettle", "day")
    assert days is not None
    assert len(days.truth) == DAYS - 1
    np.testing.assert_allclose(days.truth, 1 / 3)
    np.testing.assert_allclose(days.predicted, days.truth)


def test_months_rest_on_blocks_of_days_as_long_as_the_data_allow() -> None:
    """Forty days of a house give forty single days, nine such houses a block of four weeks each."""
    one, many = house(SAID * BY_DAY), 9
    few = calibrate_on([one], [certain(SAID)], COUNTED, 0.9)["kettle"].month
    long = calibrate_on([one] * many, [certain(SAID)] * many, COUNTED, 0.9)["kettle"].month
    assert few.scores[1] == DAYS
    assert long.scores[1] == many
    low, high = (bands.interval([9.0], [9.0]) for bands in (few, long))
    assert high[1] - high[0] < low[1] - low[0]  # errors of days that go either way cancel
