"""Laws of scenario paths: each step spread as the quantiles say, neighbouring steps as errors did."""

import numpy as np
import pytest
from scipy.special import ndtri

from labformer.domains.forecasting.scenarios import scenario_paths
from labformer.shared.errors import InputError

LEVELS = np.array([0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95])
STEPS, TARGETS = 24, 2


def quantiles(spread: float = 10.0) -> np.ndarray:
    point = 100 + np.arange(STEPS)[:, None] * np.array([1.0, -1.0])
    return point[..., None] + spread * ndtri(LEVELS)


def errors(correlation: float, windows: int = 60, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    found = rng.normal(size=(windows, STEPS, TARGETS))
    for step in range(1, STEPS):
        found[:, step] = correlation * found[:, step - 1] + (1 - correlation**2) ** 0.5 * found[:, step]
    return found


def test_every_step_is_spread_as_its_quantiles_say() -> None:
    paths = scenario_paths(LEVELS, quantiles(), errors(0.9), 6000)
    assert paths.shape == (6000, STEPS, TARGETS)
    # each remembered forecast serves 100 times with its rank evenly filled: the shares are nearly exact
    for index, level in enumerate(LEVELS):
        share = (paths <= quantiles()[..., index]).mean(0)
        np.testing.assert_allclose(share, level, atol=0.012)


@pytest.mark.parametrize("correlation", [0.0, 0.95])
def test_neighbouring_steps_move_together_as_errors_did(correlation: float) -> None:
    paths = scenario_paths(LEVELS, quantiles(), errors(correlation), 600)[..., 0]
    found = np.mean([np.corrcoef(paths[:, step], paths[:, step + 1])[0, 1] for step in range(STEPS - 1)])
    assert found == pytest.approx(correlation, abs=0.1)


def test_the_sum_over_a_day_is_as_uncertain_as_it_was() -> None:
    """What planning of storage needs: the spread of energy, which independent steps would understate fivefold."""
    together = scenario_paths(LEVELS, quantiles(), errors(1.0), 600)[..., 0].sum(1).std()
    alone = scenario_paths(LEVELS, quantiles(), errors(0.0), 600)[..., 0].sum(1).std()
    assert together / alone == pytest.approx(STEPS**0.5, rel=0.15)


def test_a_seed_gives_its_paths_again_and_another_gives_others() -> None:
    one, same, other = (scenario_paths(LEVELS, quantiles(), errors(0.5), 20, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).max() > 0


def test_forecasts_with_a_gap_are_left_out_and_too_few_are_refused() -> None:
    holed = errors(0.5, windows=30)
    holed[12:, 3, 1] = np.nan
    kept = scenario_paths(LEVELS, quantiles(), holed, 50)
    np.testing.assert_array_equal(kept, scenario_paths(LEVELS, quantiles(), holed[:12], 50))
    with pytest.raises(InputError, match="9 earlier forecasts.*at least 10"):
        scenario_paths(LEVELS, quantiles(), holed[3:], 50)
