"""Laws of the disaggregator from houses to the answer: choices on validation only, mains are never exceeded."""

import inspect
import json
from collections.abc import Callable, Sequence
from dataclasses import astuple, replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from labformer.domains.nilm import predictor, registry
from labformer.domains.nilm.appliances import APPLIANCES
from labformer.domains.nilm.house import House
from labformer.domains.nilm.metrics import score
from labformer.domains.nilm.models.boosted import Boosted
from labformer.domains.nilm.predictor import CHOSEN, Disaggregator
from labformer.domains.nilm.simulate import simulate
from labformer.shared.errors import InputError

NAMES = ("kettle", "dishwasher")
MODELS = ("zero", "mean", "duty-cycle", "boosted", "boosted-plain", "blend")


def whole_watts(house: House) -> House:
    return replace(house, mains_w=np.rint(house.mains_w))


def shortened(patch: pytest.MonkeyPatch) -> None:
    """Boosted trees that take a second, and one made-up house of validation to each."""
    for name, passes in (("boosted", 2), ("boosted-plain", 1)):
        quick = registry.MODELS[name]._replace(
            build=lambda run, passes=passes: Boosted(copies=0, passes=passes, rounds=20, seed=run.seed)
        )
        patch.setitem(registry.MODELS, name, quick)
    patch.setattr(predictor, "MADE_UP", 1)


@pytest.fixture(scope="module")
def houses() -> list[House]:
    return [whole_watts(simulate(20, seed, appliances=NAMES)) for seed in range(2)]


@pytest.fixture(scope="module")
def unseen() -> House:
    return whole_watts(simulate(8, 9, appliances=NAMES))


@pytest.fixture(scope="module")
def fit(houses: list[House]) -> Callable[..., Disaggregator]:
    def fitted(models: Sequence[str] = MODELS, test: list[House] | None = None, **settings: object) -> Disaggregator:
        with pytest.MonkeyPatch.context() as patch:
            shortened(patch)
            return Disaggregator(NAMES, models, **settings).fit(houses, test=test)

    return fitted


@pytest.fixture(scope="module")
def model(fit: Callable[..., Disaggregator], unseen: House) -> Disaggregator:
    return fit(test=[unseen])


@pytest.fixture(scope="module")
def found(model: Disaggregator, unseen: House) -> xr.Dataset:
    return model.predict(unseen)


def test_the_constructor_keeps_plain_values_and_nothing_else_happens() -> None:
    settings = {name: object() for name in inspect.signature(Disaggregator).parameters}
    made = Disaggregator(**settings)
    assert {name: getattr(made, name) for name in settings} == settings


def test_the_best_candidate_on_validation_is_chosen_for_each_appliance(model: Disaggregator) -> None:
    assert model.candidates() == list(MODELS)
    for name in NAMES:
        merits = {one: found[name].merit for one, found in model.choices_.items()}
        assert merits[model.chosen_[name]] == max(merits.values())
        assert "boost" in model.chosen_[name] or model.chosen_[name] == "blend"
    assert set(model.thresholds_) == set(model.bands_) == set(model.trust_) == set(NAMES)


def test_an_unseen_house_is_split_better_than_into_nothing(found: xr.Dataset, unseen: House) -> None:
    for name in NAMES:
        truth = unseen.appliances_w[name]
        assert np.abs(found["power_w"].sel(appliance=name).values - truth).mean() < 0.8 * truth.mean()


def test_appliances_never_exceed_the_mains(found: xr.Dataset) -> None:
    assert (found["power_w"].sum("appliance") <= found["mains_w"]).all()
    assert (found["power_low_w"] <= found["power_w"]).all()
    assert (found["power_w"] <= found["power_high_w"]).all()
    assert found["rest_w"].min() >= 0


def test_the_answer_says_what_it_rests_on(found: xr.Dataset, model: Disaggregator) -> None:
    assert json.loads(found.attrs["chosen"]) == model.chosen_
    assert json.loads(found.attrs["trust"]) == {name: text for name, text in model.trust_.items() if text}
    assert "90 %" in found.attrs["calibration"]
    assert found.attrs["zone"] == "as written"


def test_the_test_house_changes_no_choice(
    model: Disaggregator, fit: Callable[..., Disaggregator], found: xr.Dataset, unseen: House
) -> None:
    without = fit()
    assert without.thresholds_ == model.thresholds_
    assert without.chosen_ == model.chosen_
    assert {name: one.minute.to_dict() for name, one in without.bands_.items()} == {
        name: one.minute.to_dict() for name, one in model.bands_.items()
    }
    xr.testing.assert_identical(without.predict(unseen), found)
    assert without.comparison_ is None
    assert without.scores_ == {}
    assert without.coverage_.empty
    assert model.tested_ == ["simulated"]


def test_scores_on_test_are_of_every_candidate_and_of_what_is_answered(
    model: Disaggregator, found: xr.Dataset, unseen: House
) -> None:
    assert list(model.scores_) == [*MODELS, CHOSEN]
    for name in NAMES:
        answered, summed = (found[one].sel(appliance=name).values for one in ("power_w", "expected_w"))
        expected = score(unseen.appliances_w[name], answered, APPLIANCES[name], unseen.local(), energy_w=summed)
        np.testing.assert_array_equal(astuple(model.scores_[CHOSEN][name]), astuple(expected))
        assert model.scores_["zero"][name].teca == pytest.approx(0.5)
    assert {row.model for row in model.comparison_.rows} == set(MODELS)
    zero = next(row for row in model.comparison_.rows if row.model == "zero")
    assert zero.value == pytest.approx(np.mean([model.scores_["zero"][name].mae for name in NAMES]), rel=1e-4)
    assert set(model.coverage_["appliance"]) == set(NAMES)
    assert model.coverage_["covered"].between(0, 1).all()
    assert set(model.estimates_) == {*MODELS, CHOSEN}


def test_a_constant_load_of_a_hundred_watts_changes_hardly_anything(
    found: xr.Dataset, model: Disaggregator, unseen: House
) -> None:
    louder = model.predict(replace(unseen, mains_w=unseen.mains_w + 100))
    for name in NAMES:
        before, after = (one["power_w"].sel(appliance=name).values for one in (found, louder))
        runs = before > 0
        assert runs.any()
        assert np.median(np.abs(after - before)[runs]) <= 10
    np.testing.assert_allclose(louder["rest_w"].median() - found["rest_w"].median(), 100, atol=5)


def test_days_later_the_powers_are_the_same_and_the_days_are_later(
    found: xr.Dataset, model: Disaggregator, unseen: House
) -> None:
    later = model.predict(replace(unseen, times=unseen.times + pd.Timedelta(days=3)))
    np.testing.assert_array_equal(later["power_w"], found["power_w"])
    np.testing.assert_array_equal(later["energy_kwh"], found["energy_kwh"])
    np.testing.assert_array_equal(later["day"].values - found["day"].values, np.timedelta64(3, "D"))


def test_the_truth_of_the_house_plays_no_part(found: xr.Dataset, model: Disaggregator, unseen: House) -> None:
    xr.testing.assert_identical(model.predict(replace(unseen, appliances_w={})), found)


def test_a_table_of_mains_is_answered_as_the_house(found: xr.Dataset, model: Disaggregator, unseen: House) -> None:
    table = pd.DataFrame({"time": unseen.times, "mains": unseen.mains_w})
    read = model.predict(table)
    np.testing.assert_allclose(read["power_w"], found["power_w"], atol=0.5)


def test_minutes_without_readings_have_no_answer(model: Disaggregator, unseen: House) -> None:
    holed = unseen.mains_w.copy()
    holed[2000:3500] = np.nan
    gapped = model.predict(replace(unseen, mains_w=holed))
    assert (np.isnan(gapped["power_w"]).all("appliance").values == np.isnan(holed)).all()
    np.testing.assert_allclose(gapped["covered"][[1, 2]], [560 / 1440, 820 / 1440])


@pytest.mark.parametrize("name", NAMES)
def test_a_part_answers_its_appliance_as_the_whole(
    name: str, found: xr.Dataset, model: Disaggregator, unseen: House
) -> None:
    part = model.only(name)
    alone = part.predict(unseen)
    assert list(alone["appliance"].values) == [name]
    np.testing.assert_array_equal(alone["probability"].sel(appliance=name), found["probability"].sel(appliance=name))
    assert list(part.chosen_) == list(part.thresholds_) == [name]
    assert set(part.coverage_["appliance"]) == {name}


def test_given_validation_is_used_and_training_kept_whole(houses: list[House], unseen: House) -> None:
    made = Disaggregator(NAMES, ("zero", "mean")).fit(houses, validation=[unseen])
    rows = sum(len(house.times) for house in houses)
    expected = sum(house.appliances_w["kettle"].sum() for house in houses) / rows
    assert made.members_["mean"].predict(unseen)["kettle"].power_w[0] == pytest.approx(expected, rel=1e-3)
    assert made.fit(houses, validation=[unseen], test=[]).comparison_ is None


def test_a_choice_no_better_than_nothing_says_so(houses: list[House]) -> None:
    made = Disaggregator(("kettle",), ("mean",)).fit(houses)
    score = made.validation_scores_["mean"]["kettle"]
    assert score.teca <= 0.5
    if score.teca < 0.5:
        assert "do not trust single uses of the kettle" in made.trust_["kettle"]


def test_a_seed_is_a_fit(fit: Callable[..., Disaggregator], unseen: House) -> None:
    one, again, other = (fit(("boosted-plain",), seed=seed).predict(unseen) for seed in (1, 1, 2))
    xr.testing.assert_identical(one, again)
    assert not np.array_equal(one["probability"], other["probability"])


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"appliances": ("ketle",)}, "did you mean kettle"),
        ({"appliances": ()}, "at least one appliance"),
        ({"models": ("boostd",)}, "did you mean boosted"),
        ({"coverage": 90}, "coverage=90 must lie between 0 and 1"),
        ({"appliances": ("microwave",)}, "no house has a microwave that ever runs"),
    ],
)
def test_settings_that_cannot_be_are_refused_in_one_line(
    settings: dict[str, object], words: str, houses: list[House]
) -> None:
    with pytest.raises(InputError, match=words) as caught:
        Disaggregator(**{"appliances": NAMES, "models": ("zero",), **settings}).fit(houses)
    assert "\n" not in str(caught.value)


def test_houses_that_cannot_be_used_are_refused_in_one_line(
    houses: list[House], model: Disaggregator, unseen: House
) -> None:
    made, coarse = Disaggregator(NAMES, ("zero",)), simulate(8, 1, "5min", NAMES)
    bare = replace(unseen, name="bare", appliances_w={})
    for wrong, words in (
        ({"houses": []}, "one submetered house"),
        ({"houses": [houses[0], coarse]}, "steps of 0 days 00:01:00, 0 days 00:05:00"),
        ({"houses": houses, "validation": [coarse]}, "take one"),
        ({"houses": houses, "test": [coarse]}, "take one"),
        ({"houses": houses, "test": [bare]}, "bare has none of kettle, dishwasher"),
        ({"houses": houses, "validation": [bare]}, "no house of validation has a kettle"),
        ({"houses": [houses[0], houses[1].rows(slice(0, 0))]}, "no reading of the mains; leave it out"),
        ({"houses": houses, "test": [unseen.rows(slice(0, 0))]}, "no reading of the mains; leave it out"),
        ({"houses": [houses[0].rows(slice(0, 10_000))]}, "6.9 days of readings"),
    ):
        with pytest.raises(InputError, match=words):
            made.fit(**wrong)
    for house, words in (
        (coarse, "the model learnt 0 days 00:01:00"),
        (replace(unseen, mains_w=unseen.mains_w * np.nan), "no reading of the mains"),
        (unseen.rows(slice(0, 0)), "no reading of the mains"),
    ):
        with pytest.raises(InputError, match=words):
            model.predict(house)
    with pytest.raises(InputError, match="knows kettle, dishwasher, not 'shower'"):
        model.only("shower")


def test_nothing_is_answered_before_fitting(unseen: House, tmp_path: object) -> None:
    made = Disaggregator(NAMES)
    for attempt in (
        lambda: made.predict(unseen), lambda: made.only("kettle"), lambda: made.save_pretrained(f"{tmp_path}/made")
    ):  # fmt: skip
        with pytest.raises(InputError, match="not fitted"):
            attempt()


def test_readings_coarser_than_the_step_are_not_to_be_trusted(model: Disaggregator, unseen: House) -> None:
    fine, coarse = (
        json.loads(model.predict(replace(unseen, apart=pd.Timedelta(apart))).attrs["trust"])
        for apart in ("1min", "5min")
    )
    assert fine == {name: text for name, text in model.trust_.items() if text}
    assert list(coarse) == list(NAMES)
    assert all("readings are 5 min" in text for text in coarse.values())
