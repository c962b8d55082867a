from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from labformer.domains.forecasting.data import LoadData, read_load
from labformer.domains.forecasting.response import SHIFTS, Response, response
from labformer.domains.forecasting.surroundings import Surroundings

DAY = 8
SLOPE = -9.0


@dataclass
class Rule:
    """A forecast from the horizon's own weather, and from that of the day before."""

    slope: float
    memory: float = 0.0

    def needs(self, data: LoadData) -> int:
        return 7 * DAY

    def predict(self, data: LoadData, origins: np.ndarray) -> np.ndarray:
        rows = origins[:, None] + np.arange(DAY)
        found = 1000 + self.slope * data.future[rows, 0] + self.memory * data.future[rows - DAY, 0]
        return np.stack([found, 2 * found], axis=-1)


@pytest.fixture(scope="module")
def data(simulated: Callable[..., pd.DataFrame]) -> LoadData:
    table = simulated(days=200).assign(heat=lambda t: 3 * t.load)
    return read_load(
        table, targets=("load", "heat"), future_covariates=("temperature", "weekend"), units={"temperature": "°C"}
    )


def answer(data: LoadData, rule: Rule, rows: int | None = None) -> Response:
    known = Surroundings.fit(data, slice(0, data.known))
    assert [group.name for group in known.groups] == ["temperature"]
    return response(rule, data if rows is None else data.until(rows), known, known.groups[0], DAY)  # type: ignore[arg-type]


def test_a_model_that_is_linear_in_the_weather_answers_with_lines(data: LoadData) -> None:
    found = answer(data, Rule(SLOPE))
    assert (found.name, found.unit) == ("temperature", "°C")
    assert np.isfinite(found.forecast).all()
    step = np.diff(found.level, axis=-1)
    np.testing.assert_allclose(np.diff(found.forecast[..., 0], axis=-1), SLOPE * step, rtol=1e-9)
    np.testing.assert_allclose(np.diff(found.forecast[..., 1], axis=-1), 2 * SLOPE * step, rtol=1e-9)
    np.testing.assert_allclose(found.forecast[..., 0], 1000 + SLOPE * found.level, rtol=1e-9)


def test_history_stays_as_it_was(data: LoadData) -> None:
    found = answer(data, Rule(0.0, memory=SLOPE)).forecast
    np.testing.assert_array_equal(found, np.broadcast_to(found[:, :, :1], found.shape))


def test_what_was_observed_stands_beside_it_from_low_to_high(data: LoadData) -> None:
    found = answer(data, Rule(SLOPE))
    for level, load in zip(found.seen_level, found.seen_load, strict=True):
        real = np.isfinite(level)
        assert (np.diff(level[real]) >= 0).all()
        assert np.polyfit(level[real], load[real, 0], 1)[0] == pytest.approx(SLOPE, rel=0.35)
        np.testing.assert_allclose(load[real, 1], 3 * load[real, 0], rtol=1e-9)
    work, off = np.nanmean(found.seen_load[..., 0], axis=1)
    # the simulated flag of weekends is too common to mark days off, the weekday does
    assert work - off == pytest.approx(120, rel=0.3)


def test_the_shift_is_a_share_of_the_range(data: LoadData) -> None:
    found = answer(data, Rule(SLOPE))
    assert found.level.shape[-1] == len(SHIFTS)
    span = np.ptp(data.future[: data.known, 0].reshape(-1, DAY).mean(1))
    reach = found.level[..., -1] - found.level[..., 0]
    np.testing.assert_allclose(reach, reach.flat[0])
    assert reach.flat[0] == pytest.approx((SHIFTS[-1] - SHIFTS[0]) * span, rel=0.2)


def test_too_few_days_of_a_kind_are_left_out(data: LoadData) -> None:
    found = answer(data, Rule(SLOPE), rows=21 * DAY)
    assert np.isfinite(found.forecast[0]).any()
    assert np.isnan(found.forecast[1]).all()  # four days off
