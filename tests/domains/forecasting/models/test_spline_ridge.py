"""Laws of spline ridge, and of what makes it safe: clipped inputs."""

import numpy as np
import pytest

from labformer.domains.forecasting.models.spline_ridge import SplineRidge
from labformer.domains.forecasting.surroundings import Columns


def table(weather: np.ndarray, flag: np.ndarray) -> Columns:
    return Columns(("weather", "flag"), ("weather", "flag"), np.stack([weather, flag], -1))


def sample(rows: int = 2000, seed: int = 0) -> tuple[Columns, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    weather, flag, keys = rng.uniform(-10, 10, rows), (rng.random(rows) < 0.1).astype(float), np.arange(rows) % 4
    truth = 0.02 * weather**2 - 0.5 * flag + keys + rng.normal(0, 0.05, rows)
    return table(weather, flag), keys, truth


def test_a_curved_answer_to_weather_is_found_for_every_key() -> None:
    columns, keys, truth = sample()
    later = sample(seed=1)
    error = SplineRidge().fit(columns, keys, truth).predict(*later[:2]) - later[2]
    assert np.sqrt(np.square(error).mean()) < 0.06  # the noise is 0.05


def test_without_penalty_it_is_the_least_squares_of_each_key() -> None:
    columns, keys, truth = sample(400)
    made = SplineRidge(clip=np.inf, penalty=1e-9).fit(columns, keys, truth)
    features = made._features(columns)
    for key in range(4):
        rows = keys == key
        design = np.column_stack([np.ones(rows.sum()), features[rows]])
        expected = design @ np.linalg.lstsq(design, truth[rows], rcond=None)[0]
        np.testing.assert_allclose(made.predict(columns, keys)[rows], expected, atol=1e-5)


def test_rare_weather_cannot_make_it_explode() -> None:
    """A column that training hardly saw move, far out on test: unclipped the answer runs away, clipped it stays."""
    rng = np.random.default_rng(0)
    rows = 400
    rare = 1e-3 * rng.normal(size=rows)
    columns = Columns(("load", "rare"), ("load", "load"), np.stack([rng.normal(size=rows), rare], -1))
    truth, keys = columns.values[:, 0] + 0.3 * rng.normal(size=rows) + 40 * rare, np.zeros(rows, np.int64)
    far = columns._replace(values=np.array([[0.0, 5.0]]))
    wild = SplineRidge(clip=np.inf).fit(columns, keys, truth).predict(far, np.zeros(1, np.int64))
    tame = SplineRidge().fit(columns, keys, truth).predict(far, np.zeros(1, np.int64))
    assert np.abs(wild) > 100
    assert np.abs(tame) < 1
    # where the clip does not reach, both are the same regression
    near = columns._replace(values=columns.values[:20])
    np.testing.assert_allclose(
        SplineRidge().fit(columns, keys, truth).predict(near, keys[:20]),
        SplineRidge(clip=np.inf).fit(columns, keys, truth).predict(near, keys[:20]),
        atol=0.05,
    )


def test_a_key_that_training_hardly_saw_is_answered_by_the_regression_of_all_rows() -> None:
    columns, keys, truth = sample()
    keys = np.where(np.arange(len(keys)) < 5, 9, keys)
    made = SplineRidge().fit(columns, keys, truth)
    assert made.keys_.tolist() == [0, 1, 2, 3, -1]
    np.testing.assert_array_equal(
        made.predict(columns, np.full(len(keys), 9)), made.predict(columns, np.full_like(keys, 77))
    )


@pytest.mark.parametrize("order", [1, -1])
def test_arrays_bring_it_back(order: int) -> None:
    columns, keys, truth = sample()
    made = SplineRidge().fit(columns, keys, truth)
    again = SplineRidge.from_arrays(dict(list(made.to_arrays().items())[::order]))
    np.testing.assert_array_equal(again.predict(columns, keys), made.predict(columns, keys))
    assert again.parameters() == made.parameters() == 5 * (2 + 5 + 0) + 5
