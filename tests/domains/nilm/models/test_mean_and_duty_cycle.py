"""Laws of the predictors that look at no mains: means come back, hour by hour."""

import numpy as np
import pytest

from labformer.domains.nilm.appliances import APPLIANCES
from labformer.domains.nilm.models.constant import MeanPower, Zero
from labformer.domains.nilm.models.duty_cycle import DutyCycle
from labformer.domains.nilm.simulate import simulate
from labformer.domains.nilm.states import on_rule

HOUSE = simulate(14, 4)
KETTLE = APPLIANCES["kettle"]
POWER = HOUSE.appliances_w["kettle"]


@pytest.mark.parametrize("kind", [MeanPower, DutyCycle])
def test_the_energy_and_the_time_on_of_training_come_back(kind) -> None:
    found = kind().fit([HOUSE], [KETTLE]).predict(HOUSE)["kettle"]
    assert found.power_w.mean(dtype=float) == pytest.approx(POWER.mean(dtype=float), rel=1e-4)
    assert found.on.mean(dtype=float) == pytest.approx(on_rule(POWER, KETTLE).mean(), rel=1e-4)


def test_the_mean_is_one_number_and_zero_is_nothing_with_the_same_duty() -> None:
    mean, zero = (kind().fit([HOUSE], [KETTLE]).predict(HOUSE)["kettle"] for kind in (MeanPower, Zero))
    assert len(np.unique(mean.power_w)) == 1
    assert not zero.power_w.any()
    np.testing.assert_array_equal(mean.on, zero.on)


def test_the_mean_day_is_the_mean_of_each_half_hour_of_weekdays_and_of_weekends() -> None:
    found = DutyCycle().fit([HOUSE], [KETTLE]).predict(HOUSE)["kettle"].power_w.reshape(14, 48, 30)
    days, weekend = POWER.reshape(14, 48, 30), HOUSE.local()[::1440].dayofweek >= 5
    for chosen in (weekend, ~weekend):
        expected = np.broadcast_to(days[chosen].mean((0, 2))[:, None], (48, 30))
        for day in found[chosen]:
            np.testing.assert_allclose(day, expected, rtol=1e-4, atol=1e-4)


def test_half_hours_never_seen_take_the_mean_of_all() -> None:
    week = HOUSE.rows(slice(0, 5 * 1440))  # Monday to Friday
    found = DutyCycle().fit([week], [KETTLE]).predict(HOUSE)["kettle"].power_w
    np.testing.assert_allclose(found[5 * 1440 : 7 * 1440], POWER[: 5 * 1440].mean(), rtol=1e-4)
