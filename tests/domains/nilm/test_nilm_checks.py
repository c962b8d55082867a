import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from labformer.domains.nilm.bill import bill
from labformer.domains.nilm.checks import run_checks
from labformer.domains.nilm.evaluation import coverage_rows, evaluate_on
from labformer.domains.nilm.house import House
from labformer.domains.nilm.predictor import Disaggregator
from labformer.domains.nilm.simulate import simulate
from labformer.domains.nilm.tables import prediction_table
from labformer.domains.nilm.tariff import Tariff
from labformer.shared.errors import InputError

NAMES = ("kettle", "shower")
LAWS = 6


@pytest.fixture(scope="module")
def fitted() -> Disaggregator:
    train = [simulate(days=10, seed=seed, appliances=NAMES) for seed in (1, 2)]
    return Disaggregator(NAMES, ("boosted-plain",)).fit(train)


@pytest.fixture(scope="module")
def house() -> House:
    return replace(simulate(days=20, seed=3, appliances=NAMES, start="2024-01-20"), zone="Europe/London")


@pytest.fixture(scope="module")
def prediction(fitted: Disaggregator, house: House) -> xr.Dataset:
    return fitted.predict(house)


class Wrong(Disaggregator):
    """Answers as another does, and then changes it."""

    def __init__(self, right: Disaggregator, change: str) -> None:
        self.right, self.change = right, change

    def predict(self, source: House, **_: object) -> xr.Dataset:  # type: ignore[override]
        answer = self.right.predict(source).copy(deep=True)
        for name in ("power_low_w", "power_w", "power_high_w"):
            answer[name] += {
                "too much": source.mains_w.max(),
                "negative": -1.0,
                "follows the mains": np.float32(source.mains_w.mean()),
                "follows the date": source.times[0].dayofyear,
                "other energy": 0,
            }[self.change]
        if self.change == "other energy":
            answer["energy_kwh"] *= 1.1
        return answer


def test_the_laws_hold_for_a_fitted_disaggregator(fitted: Disaggregator, house: House, prediction: xr.Dataset) -> None:
    checks = run_checks(fitted, house, prediction)
    assert len(checks) == LAWS
    assert [check.law for check in checks if not check.holds] == []
    json.dumps([check._asdict() for check in checks])  # plain values


def test_the_laws_hold_for_a_short_house_with_gaps_and_coarser_steps(fitted: Disaggregator) -> None:
    house = simulate(days=3, seed=4, appliances=NAMES)
    house.mains_w[500:1100] = np.nan
    assert [check.law for check in run_checks(fitted, house) if not check.holds] == []


@pytest.mark.parametrize(
    ("change", "law"),
    [
        ("too much", "appliances together take no more than the mains"),
        ("negative", "power is never negative"),
        ("follows the mains", "+100 W of base load"),
        ("follows the date", "moving the readings by whole days"),
        ("other energy", "energies of days are the sum of the power to be expected"),
    ],
)
def test_a_law_that_is_broken_is_said_to_be(fitted: Disaggregator, house: House, change: str, law: str) -> None:
    checks = run_checks(Wrong(fitted, change), house)
    assert [check for check in checks if check.law.startswith(law) and not check.holds]


def test_a_bill_holds_each_month_and_everything(house: House, prediction: xr.Dataset) -> None:
    tariff = Tariff.flat(0.25, "EUR")
    table = bill(prediction, house.local(), tariff).set_index(["appliance", "period"])
    assert list(table.index) == [(name, period) for name in NAMES for period in ("2024-01", "2024-02", "all")]
    for name in NAMES:
        whole, months = table.loc[(name, "all")], table.loc[name].drop(index="all")
        assert months.kwh.sum() == pytest.approx(whole.kwh)
        assert whole.cost == pytest.approx(0.25 * whole.kwh)
        assert months.uses.sum() == whole.uses
        assert [whole.kwh_low, whole.kwh_high] == pytest.approx([months.kwh_low.sum(), months.kwh_high.sum()])
        assert not (months.kwh_low > months.kwh_high).any()
        assert months.covered.between(0.2, 0.4).all()  # 12 of 31 days, 8 of 29
    assert set(table.currency) == {"EUR"}
    assert "cost" not in bill(prediction, house.local())


def test_the_table_has_a_row_a_step_on_both_clocks(house: House, prediction: xr.Dataset) -> None:
    table = prediction_table(prediction)
    assert len(table) == len(house.times)
    assert (table.time == house.times).all()
    assert str(table.local_time.dt.tz) == "Europe/London"
    np.testing.assert_allclose(table.kettle_w + table.shower_w + table.rest_w, table.mains_w, rtol=1e-5)
    plain = prediction_table(prediction.assign_attrs(zone="as written"))
    assert plain.time.dt.tz is None
    pd.testing.assert_series_equal(plain.time, plain.local_time, check_names=False)


def test_evaluation_scores_what_both_know(fitted: Disaggregator, house: House) -> None:
    found = evaluate_on(fitted, replace(house, appliances_w={"kettle": house.appliances_w["kettle"]}))
    (line,) = found.lines
    assert (line.appliance, line.model) == ("kettle", "boosted-plain")
    assert line.score.teca > 0.6
    assert [row[0] for row in found.table().rows] == ["zero", "boosted-plain"]
    assert all(row[2] == "90 %" for row in coverage_rows(found.coverage).rows)
    with pytest.raises(InputError, match="nothing to score"):
        evaluate_on(fitted, replace(house, appliances_w={}))
