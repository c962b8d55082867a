"""What every classical model promises of a house: gaps stay gaps, loading changes nothing, faults are named."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from labformer.domains.nilm.appliances import APPLIANCES
from labformer.domains.nilm.house import House
from labformer.domains.nilm.models.combinatorial import Combinatorial
from labformer.domains.nilm.models.constant import MeanPower, Zero
from labformer.domains.nilm.models.duty_cycle import DutyCycle
from labformer.domains.nilm.models.factorial_hmm import FactorialHMM
from labformer.domains.nilm.simulate import simulate
from labformer.shared.errors import InputError

MODELS = [Zero, MeanPower, DutyCycle, Combinatorial, FactorialHMM]
ASKED = [APPLIANCES["kettle"], APPLIANCES["dishwasher"]]
TRAINING = [simulate(14, 0), simulate(14, 1, appliances=["kettle"])]
OTHER = simulate(7, 2)


def gapped(house: House) -> House:
    """The same with half a day missing."""
    return replace(house, mains_w=np.where(np.arange(len(house.mains_w)) // 720 == 3, np.nan, house.mains_w))


@pytest.mark.parametrize("kind", MODELS)
def test_answers_stand_where_the_mains_do_and_are_powers_and_probabilities(kind) -> None:
    house = gapped(OTHER)
    found = kind().fit(TRAINING, ASKED).predict(house)
    assert set(found) == {"kettle", "dishwasher"}
    for power, on, _ in found.values():
        real = np.isfinite(house.mains_w)
        np.testing.assert_array_equal(np.isfinite(power), real)
        np.testing.assert_array_equal(np.isfinite(on), real)
        assert power[real].min() >= 0
        assert 0 <= on[real].min() <= on[real].max() <= 1
        assert power.dtype == on.dtype == np.float32


@pytest.mark.parametrize("kind", MODELS)
def test_fitting_again_and_loading_give_the_same_numbers(kind) -> None:
    model = kind().fit(TRAINING, ASKED)
    arrays = dict(sorted(model.to_arrays().items()))
    loaded, again = kind.from_arrays(arrays), kind().fit(TRAINING, ASKED[::-1])
    assert model.parameters() == loaded.parameters() == again.parameters() > 0
    for name, one in model.predict(OTHER).items():
        for other in (loaded, again):
            np.testing.assert_array_equal(one.power_w, other.predict(OTHER)[name].power_w)
            np.testing.assert_array_equal(one.on, other.predict(OTHER)[name].on)


@pytest.mark.parametrize("kind", MODELS)
def test_the_truth_of_the_house_that_is_answered_plays_no_part(kind) -> None:
    model = kind().fit(TRAINING, ASKED)
    blind = replace(OTHER, appliances_w={})
    np.testing.assert_array_equal(model.predict(OTHER)["kettle"].power_w, model.predict(blind)["kettle"].power_w)


@pytest.mark.parametrize("kind", MODELS)
def test_a_whole_week_later_the_answer_is_the_same(kind) -> None:
    model = kind().fit(TRAINING, ASKED)
    later = replace(OTHER, times=OTHER.times + pd.Timedelta(days=7))
    np.testing.assert_array_equal(model.predict(OTHER)["kettle"].power_w, model.predict(later)["kettle"].power_w)


@pytest.mark.parametrize("kind", MODELS)
def test_minutes_without_readings_teach_nothing(kind) -> None:
    house = TRAINING[0]
    cut = house.rows(slice(2880, None))
    start = np.arange(len(house.times)) < 2880
    wild = {name: np.where(start, 9999, power).astype(np.float32) for name, power in house.appliances_w.items()}
    hidden = replace(house, mains_w=np.where(start, np.nan, house.mains_w), appliances_w=wild)
    one, other = kind().fit([cut], ASKED).to_arrays(), kind().fit([hidden], ASKED).to_arrays()
    for name in one:
        np.testing.assert_allclose(one[name], other[name], rtol=1e-6)


@pytest.mark.parametrize("kind", MODELS)
def test_an_appliance_that_no_house_has_is_refused(kind) -> None:
    with pytest.raises(InputError, match="no house of training has readings of the dishwasher"):
        kind().fit(TRAINING[1:], ASKED)


@pytest.mark.parametrize("kind", MODELS)
def test_an_appliance_that_never_ran_and_a_house_without_readings_break_nothing(kind) -> None:
    still = replace(TRAINING[0], appliances_w={"kettle": np.zeros_like(TRAINING[0].mains_w)})
    model = kind().fit([still], ASKED[:1])
    assert np.nanmax(model.predict(OTHER)["kettle"].power_w) == 0
    dark = replace(OTHER, mains_w=np.full_like(OTHER.mains_w, np.nan))
    assert np.isnan(model.predict(dark)["kettle"].power_w).all()
