"""Readings that are minutes apart: the rule for running, and which of the models of a shelf answers."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from labformer.domains.nilm import saving
from labformer.domains.nilm.appliances import APPLIANCES
from labformer.domains.nilm.house import House
from labformer.domains.nilm.many import disaggregate_in_memory, suited_to
from labformer.domains.nilm.predictor import Disaggregator
from labformer.domains.nilm.resampling import coarsen
from labformer.domains.nilm.simulate import simulate
from labformer.shared.errors import InputError

NAMES = ("kettle", "dishwasher")
HOUSE = simulate(12, seed=4, appliances=NAMES)
QUICK = ("zero", "duty-cycle")


def fitted(step: str) -> Disaggregator:
    houses = [simulate(20, seed, appliances=NAMES, step=step) for seed in range(2)]
    return Disaggregator(NAMES, QUICK).fit(houses)


def readings(apart: str) -> pd.DataFrame:
    house = HOUSE if apart == "1min" else coarsen(HOUSE, apart)
    return pd.DataFrame({"time": house.times.tz_localize(None), "mains": house.mains_w})


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    minutes = fitted("1min")
    minutes.only("kettle").save_pretrained(tmp_path / "kettle")
    for step in ("10min", "30min"):
        fitted(step).save_pretrained(tmp_path / step)
    monkeypatch.setattr(saving, "_shelf", lambda: tmp_path)
    return tmp_path


def test_the_least_power_falls_with_the_root_of_the_part_of_a_step_that_is_filled() -> None:
    kettle = APPLIANCES["kettle"]
    assert kettle.at(pd.Timedelta("10s")) == kettle.at(pd.Timedelta("1min")) == kettle
    assert kettle.at(pd.Timedelta("4min")).on_w == pytest.approx(kettle.on_w / 2)
    dishwasher = APPLIANCES["dishwasher"]
    assert dishwasher.at(pd.Timedelta("10min")).on_w == dishwasher.on_w  # it heats for longer


def test_a_rule_for_long_steps_still_sees_most_of_the_energy() -> None:
    """Where it did not, models would learn that an appliance uses less than it does."""
    for step in ("10min", "30min"):
        house = coarsen(HOUSE, step)
        for name in NAMES:
            power = house.appliances_w[name]
            assert power[power >= APPLIANCES[name].at(house.step).on_w].sum() > 0.9 * power.sum()


@pytest.mark.parametrize(
    ("apart", "step"), [("1min", "1min"), ("2min", "10min"), ("10min", "10min"), ("15min", "30min"), ("30min", "30min")]
)
def test_the_model_of_the_shortest_step_that_is_no_shorter_answers(shelf: Path, apart: str, step: str) -> None:
    frame = readings(apart)
    found = Disaggregator.from_pretrained("kettle").predict(frame, unit="W")
    assert list(found["appliance"].values) == ["kettle"]
    assert pd.Timedelta(np.diff(found["time"].values)[0]) == pd.Timedelta(step)
    seen = np.isfinite(found["mains_w"].values)
    summed = found["mains_w"].values[seen].sum() * (pd.Timedelta(step) / pd.Timedelta("1h"))
    truth = frame["mains"].sum() * (pd.Timedelta(apart) / pd.Timedelta("1h"))
    assert summed == pytest.approx(truth, rel=0.01)
    assert (found["power_w"].sum("appliance").values[seen] <= found["mains_w"].values[seen] + 0.01).all()
    assert "apart" not in found.attrs["trust"]


def test_many_houses_are_answered_by_the_model_that_one_is(shelf: Path) -> None:
    frame = readings("30min")
    model = Disaggregator.from_pretrained("kettle")
    many = disaggregate_in_memory(model, frame.set_index("time").rename(columns={"mains": "a"}), zone="Europe/London")
    one = model.predict(frame.assign(time=frame["time"].dt.tz_localize("UTC")), unit="W", zone="Europe/London")
    np.testing.assert_allclose(many["energy_kwh"].values[0], one["energy_kwh"].values, rtol=1e-4, atol=1e-6)
    assert suited_to(model, frame.set_index("time")).step_ == pd.Timedelta("30min")


def test_a_model_of_the_users_own_has_no_others_beside_it_and_says_so(tmp_path: Path) -> None:
    fitted("1min").save_pretrained(tmp_path / "mine")
    found = Disaggregator.from_pretrained(tmp_path / "mine").predict(readings("30min"), unit="W")
    assert "30 min apart" in found.attrs["trust"]


def test_a_house_of_other_steps_is_refused(shelf: Path) -> None:
    other: House = coarsen(HOUSE, "10min")
    with pytest.raises(InputError, match="coarsen it first"):
        Disaggregator.from_pretrained("kettle").predict(other)
