"""The houses of the catalogue, read whole; skipped where their files are not."""

import re
from functools import cache

import numpy as np
import pandas as pd
import pytest

from labformer.domains.nilm.collections import HOUSES, house_files, open_house
from labformer.domains.nilm.house import House
from labformer.shared.datasets import catalogue
from labformer.shared.errors import InputError

DAY = 1440
EXPECTED = {"refit-2": (358.5, 4), "refit-20": (433.5, 4), "ideal-65": (85.8, 3), "uci": (13.5, 0)}


def opened(name: str) -> House:
    if not all(catalogue.find(row) for row in catalogue.rows() if row.name.startswith(HOUSES[name].files)):
        pytest.skip(f"the files of {name} are not on this machine")
    return kept(name)


@cache
def kept(name: str) -> House:
    return open_house(name)


@pytest.mark.parametrize("name", HOUSES)
def test_a_house_has_its_days_and_no_gap_filled_with_zeros(name: str) -> None:
    house = opened(name)
    days, appliances = EXPECTED[name]
    assert np.isfinite(house.mains_w).sum() / DAY == pytest.approx(days, abs=0.06)
    assert len(house.appliances_w) == appliances
    assert house.name == name and house.zone and house.times.freq == house.step
    assert (np.nanmin(house.mains_w) >= 0) and np.nanmax(house.mains_w) < 15_000
    zero = np.diff(np.flatnonzero(np.r_[True, house.mains_w != 0, True])) - 1
    assert zero.max() <= 60
    for power in house.appliances_w.values():
        assert np.isnan(power[np.isnan(house.mains_w)]).all()


@pytest.mark.parametrize(("name", "change"), [("refit-2", "2014-03-30"), ("refit-20", "2014-10-26"),
                                              ("refit-20", "2015-03-29"), ("refit-2", "2014-09-28")])  # fmt: skip
def test_the_first_kettle_of_the_day_does_not_move_when_clocks_change(name: str, change: str) -> None:
    house = opened(name)
    local = house.local()
    morning = (house.appliances_w["kettle"] > 500) & (local.hour >= 4) & (local.hour < 11)
    first = pd.Series(local[morning].hour + local[morning].minute / 60, local[morning].tz_localize(None).normalize())
    first = first.groupby(level=0).min()
    day = pd.Timestamp(change)
    month = pd.Timedelta("28d")
    before, after = first[day - month : day - pd.Timedelta("1d")], first[day + pd.Timedelta("1d") : day + month]
    assert len(before) > 10 and len(after) > 10
    assert abs(after.median() - before.median()) < 0.5


def test_every_file_of_nilm_stands_in_the_catalogue_at_a_fixed_commit() -> None:
    rows = [row for row in catalogue.rows() if row.domain == "nilm"]
    assert len(rows) == 37
    for row in rows:
        assert re.search("/[0-9a-f]{40}/", row.url) and row.licence == "CC BY 4.0" and row.licence_note


def test_an_unknown_house_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'refit-2'"):
        open_house("refit2")


def test_files_that_are_not_here_are_said_with_how_to_get_them(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABFORMER_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(InputError, match=r"16 of 16 files of refit-2 .* `labformer data fetch .refit-2-\*.`"):
        house_files("refit-2")
    with pytest.raises(InputError, match="cannot be downloaded|is not on this machine"):
        house_files("uci")
