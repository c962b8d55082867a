"""Laws of the usage table: sums agree, nothing missing is made up, uses are counted once."""

import numpy as np
import pandas as pd
import pytest

from labformer.domains.nilm.appliances import APPLIANCES
from labformer.domains.nilm.simulate import household, simulate
from labformer.domains.nilm.states import on_rule
from labformer.domains.nilm.tariff import Tariff
from labformer.domains.nilm.usage import usage_table
from labformer.shared.errors import InputError

KETTLE = APPLIANCES["kettle"]
HOUSE = simulate(60, 0, appliances=["kettle"])
POWER = HOUSE.appliances_w["kettle"]
ON = on_rule(POWER, KETTLE)


def test_energy_cost_and_uses_of_the_days_sum_to_those_of_the_months_and_of_all() -> None:
    tables = [
        usage_table(HOUSE.local(), POWER, ON, KETTLE, Tariff.flat(0.25, "EUR"), per) for per in ("day", "month", "all")
    ]
    for name in ("kwh", "cost", "uses"):
        assert [table[name].sum() for table in tables] == pytest.approx([tables[0][name].sum()] * 3)
    assert tables[0]["kwh"].sum() == pytest.approx(POWER.sum(dtype=float) / 60_000)
    np.testing.assert_allclose(tables[1]["cost"], 0.25 * tables[1]["kwh"])
    assert [len(table) for table in tables] == [60, 2, 1]
    assert tables[0].attrs["currency"] == "EUR"


def test_the_kettle_of_the_simulation_is_described_as_it_is() -> None:
    kettle = household(0).loads[0]
    (row,) = usage_table(HOUSE.local(), POWER, ON, KETTLE, per="all").itertuples()
    assert row.uses / 60 == pytest.approx(kettle.per_day, rel=0.2)
    assert row.median_on_w == pytest.approx(kettle.power_w, rel=0.05)
    assert 1 < row.mean_minutes < 5
    assert all(5 <= int(hour[:2]) <= 23 for hour in row.typical_start.split(", "))


def test_missing_minutes_add_no_energy_and_lower_the_coverage() -> None:
    gap = POWER.copy()
    gap[: 15 * 1440] = np.nan
    whole, part = (usage_table(HOUSE.local(), power, ON, KETTLE) for power in (POWER, gap))
    later = usage_table(HOUSE.local()[15 * 1440 :], POWER[15 * 1440 :], ON[15 * 1440 :], KETTLE)
    assert part.loc["2024-01-01", "kwh"] == pytest.approx(later.loc["2024-01-01", "kwh"])
    assert part.loc["2024-01-01", "uses"] == later.loc["2024-01-01", "uses"]
    assert whole["covered"].tolist() == pytest.approx([1, 1])
    assert part["covered"].tolist() == pytest.approx([16 / 31, 1])


def test_a_use_counts_in_the_day_it_begins_and_a_short_pause_does_not_end_it() -> None:
    times = pd.date_range("2024-01-01", periods=2880, freq="1min")
    on = np.zeros(2880, dtype=bool)
    on[1430:1450] = True
    on[1451:1452] = True  # one minute later: the same kettle
    found = usage_table(times, np.where(on, 2000.0, 0), on.astype(float) * 0.9, KETTLE, per="day")
    assert found["uses"].tolist() == [1, 0]
    assert found["mean_minutes"].tolist()[0] == 22
    assert np.isnan(found["mean_minutes"].tolist()[1])
    assert found["typical_start"].tolist() == ["23:00", ""]


def test_days_of_23_and_25_hours_are_whole() -> None:
    for first in ("2024-03-30", "2024-10-26"):
        times = pd.date_range(first, periods=3, freq="1D", tz="Europe/London")
        minutes = pd.date_range(times[0], times[2], freq="1min", inclusive="left")
        nothing = np.zeros(len(minutes))
        found = usage_table(minutes, nothing, nothing, KETTLE, per="day")
        assert found["covered"].tolist() == [1, 1]


def test_an_interval_stands_beside_its_period() -> None:
    found = usage_table(HOUSE.local(), POWER, ON, KETTLE, interval_kwh=([1, 2], [3, 4]))
    assert found[["kwh_low", "kwh_high"]].to_numpy().tolist() == [[1, 3], [2, 4]]
    with pytest.raises(InputError, match="does not fit 2 periods"):
        usage_table(HOUSE.local(), POWER, ON, KETTLE, interval_kwh=([1], [3]))


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(InputError, match="differ"):
        usage_table(HOUSE.local(), POWER[1:], ON, KETTLE)
    with pytest.raises(InputError, match="not 'week'"):
        usage_table(HOUSE.local(), POWER, ON, KETTLE, per="week")
    with pytest.raises(InputError, match="at least two"):
        usage_table(HOUSE.local()[:1], POWER[:1], ON[:1], KETTLE)
