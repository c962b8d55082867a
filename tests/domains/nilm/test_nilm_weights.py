"""The models that ship: small, with a card, and together the same as alone."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from labformer.domains.nilm.card import card
from labformer.domains.nilm.house import House
from labformer.domains.nilm.predictor import Disaggregator
from labformer.domains.nilm.saving import shipped
from labformer.domains.nilm.simulate import simulate

NAMES = ["dishwasher", "kettle", "microwave", "shower", "washing_machine"]
SHELF = Path(__file__).parents[3] / "domains" / "nilm" / "weights"
LARGEST = 3_000_000  # bytes
STEPS = ["10min", "15min", "30min", "5min"]  # of models of all five appliances, for readings further apart


@pytest.fixture(scope="module")
def house() -> House:
    return simulate(4, seed=21)


@pytest.fixture(scope="module")
def whole() -> Disaggregator:
    return Disaggregator.from_pretrained("all")


def test_all_five_ship() -> None:
    assert shipped() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_weights_are_small_and_their_card_says_what_they_rest_on(name: str) -> None:
    folder = SHELF / name
    assert (folder / "model.safetensors").stat().st_size <= LARGEST
    written = (folder / "card.md").read_text(encoding="utf-8")
    for word in ("## Data", "CC BY 4.0", "seed 0", "TECA", "zero", "## When not to use it"):
        assert word in written
    assert json.loads((folder / "config.json").read_text(encoding="utf-8"))["class"] == "Disaggregator"


@pytest.mark.parametrize("step", STEPS)
def test_models_of_longer_steps_ship_and_say_how_little_they_know(step: str) -> None:
    folder = SHELF / step
    assert (folder / "model.safetensors").stat().st_size <= LARGEST
    written = (folder / "card.md").read_text(encoding="utf-8")
    for word in ("## Data", "CC BY 4.0", "seed 0", "left out", "do not trust single uses", "`labformer fit nilm", step):
        assert word in written
    model = Disaggregator.from_pretrained(folder)
    assert model.step_ == pd.Timedelta(step)
    assert sorted(model.chosen_) == NAMES


@pytest.mark.parametrize(("apart", "step"), [("5min", "5min"), ("15min", "15min"), ("30min", "30min")])
def test_readings_further_apart_are_answered_at_their_own_step(apart: str, step: str) -> None:
    """Simulated, so unlike the houses of training: what they must tell is most of the shower, and no more than all."""
    house = simulate(30, seed=5, step=apart, appliances=("shower", "kettle"))
    frame = pd.DataFrame({"time": house.times.tz_localize(None), "W": house.mains_w})
    found = Disaggregator.from_pretrained("shower").predict(frame, unit="W")
    assert list(found["appliance"].values) == ["shower"]
    assert pd.Timedelta(np.diff(found["time"].values)[0]) == pd.Timedelta(step)
    kwh = float(found["energy_kwh"].sum())
    truth = house.appliances_w["shower"].sum() * house.step.total_seconds() / 3.6e6
    assert 0.3 * truth < kwh < 1.7 * truth


def test_a_model_alone_says_what_it_says_among_all(house: House, whole: Disaggregator) -> None:
    together = whole.say(house)
    for name in ("kettle", "shower"):
        alone = Disaggregator.from_pretrained(name).say(house)[name]
        np.testing.assert_array_equal(alone.on, together[name].on)
        np.testing.assert_array_equal(alone.power_w, together[name].power_w)


def test_a_name_may_be_written_with_a_hyphen(whole: Disaggregator) -> None:
    assert Disaggregator.from_pretrained("washing-machine").thresholds_ == {
        "washing_machine": whole.thresholds_["washing_machine"]
    }


def test_kettles_of_a_house_of_another_kind_are_found(house: House, whole: Disaggregator) -> None:
    """Simulated, so nothing like the houses of training; half of the energy is little to ask."""
    power = whole.predict(house)["power_w"].sel(appliance="kettle").values
    truth = house.appliances_w["kettle"]
    assert np.minimum(power, truth).sum() > 0.5 * truth.sum()
    assert power.sum() < 2 * truth.sum()


def test_of_the_washing_machine_the_mean_power_is_told_and_its_card_says_so(house: House, whole: Disaggregator) -> None:
    means = {name: one.mean_w is not None for name, one in whole.say(house).items()}
    assert means == {name: name == "washing_machine" for name in NAMES}
    for name in NAMES:
        written = (SHELF / name / "card.md").read_text(encoding="utf-8")
        made = card(Disaggregator.from_pretrained(name))
        for text in (written, made):
            assert ("energy is its mean power, times" in text) == means[name]
            assert ("energy is power times probability" in text) != means[name]
    expected_w = whole.predict(house)["expected_w"].sel(appliance="washing_machine").values
    truth = house.appliances_w["washing_machine"]
    idle = (truth > 20) & (truth < 300)
    assert 0.1 * truth[idle].sum() < expected_w[idle].sum() < 3 * truth[idle].sum()
