from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from labformer.domains.forecasting.models.hour_linear import HourLinear, HourLinearConfig
from labformer.domains.forecasting.models.linear import LinearConfig, NLinear
from labformer.domains.forecasting.published import ridge_blend
from labformer.domains.forecasting.published.measure import MODELS
from labformer.domains.forecasting.published.protocol import Case, calendar_marks
from labformer.domains.forecasting.published.ridge_blend import BLOCKS, SHRINKS, Blend, choose_shrink, fit_ridge_blend
from labformer.domains.forecasting.published.setting import Setting
from labformer.shared.errors import InputError


def simulated(step: str = "1h", rows: int = 500) -> Case:
    times = pd.date_range("2020-01-01", periods=rows, freq=step)
    rng, clock = np.random.default_rng(0), np.arange(rows)[:, None] * 2 * np.pi / 24
    values = np.sin(clock + np.array([0.0, 1.0])) + 0.1 * rng.normal(size=(rows, 2)).cumsum(0)
    return Case("simulated", values, calendar_marks(times), "parts")


SETTING = Setting(simulated(), 48, 12, progress=False)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ridge_blend, "REFINING", replace(ridge_blend.REFINING, epochs=1))


def test_a_blend_is_the_weighted_sum_of_its_members_over_their_own_lookbacks() -> None:
    torch.manual_seed(0)
    members = [NLinear(LinearConfig(6, 3)), HourLinear(HourLinearConfig(2, 4, 3))]
    torch.nn.init.normal_(members[1].to_future)
    torch.nn.init.normal_(members[1].by_hour)
    weights = torch.tensor([[0.25, 0.5, 1.0], [0.75, 0.5, 0.0]])
    past, marks = torch.randn(5, 2, 9), torch.rand(5, 1, 9) - 0.5
    expected = weights[0] * members[0](past[..., -6:]) + weights[1] * members[1](past[..., -4:], marks)
    torch.testing.assert_close(Blend(members, weights)(past, marks), expected)
    assert torch.equal(Blend(members[:1], torch.ones(1, 3))(past), members[0](past[..., -6:]))


def test_the_choice_shows_every_member_with_weights_that_add_up_to_one_in_each_block() -> None:
    fitted = fit_ridge_blend(SETTING)
    shown = fitted.choice["weights_by_block"]
    kinds = [name.split()[0] for name in shown]
    assert [name.split()[1] for name in shown][:4] == ["24", "32", "40", "48"]
    assert set(kinds[:4]) <= {"plain", "weighted"}
    assert kinds[4:] == ["hour"] * 4 + ["absolute"]
    np.testing.assert_allclose(np.sum(list(shown.values()), axis=0), np.ones(BLOCKS), atol=0.01)
    assert min(min(row) for row in shown.values()) >= 0
    assert fitted.choice["shrink"] in SHRINKS
    assert fitted.marks


def test_its_validation_error_is_close_to_the_best_member_s_and_is_told() -> None:
    fitted = fit_ridge_blend(SETTING)
    alone = [MODELS[name](SETTING).validation_mse for name in ("nlinear-ridge", "ridge-weighted")]
    assert fitted.validation_mse < 1.02 * min(alone)
    windows = SETTING.windows("validation", marks=True)
    truth = windows.batch(torch.arange(len(windows))).future
    assert (fitted.forecast(windows) - truth).square().mean() == pytest.approx(fitted.validation_mse, rel=0.05)


def test_a_series_without_hours_has_no_member_that_needs_them(monkeypatch: pytest.MonkeyPatch) -> None:
    daily = fit_ridge_blend(replace(SETTING, case=simulated("1D")))
    assert not daily.marks
    assert not any(name.startswith("hour") for name in daily.choice["weights_by_block"])
    monkeypatch.setattr(ridge_blend, "MOST_WEIGHTS", 2 * 48 * 12 - 1)  # nor has a table too wide for maps of its own
    assert not fit_ridge_blend(SETTING).marks


def test_weights_that_help_only_the_half_they_were_fitted_on_are_pulled_to_equal_ones() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(40, 8, 1))
    noise = rng.normal(size=(2, 40, 8, 1))
    good = truth + np.array([0.1, 3.0])[:, None, None, None] * noise  # one member is better in both halves
    assert choose_shrink(good, truth).shrink == SHRINKS[0]
    turned = truth + noise * np.where(np.arange(40) < 20, [[0.1], [2.0]], [[2.0], [0.1]])[..., None, None]
    chosen = choose_shrink(turned, truth)
    assert chosen.shrink == SHRINKS[-1]
    assert chosen.mse == pytest.approx(np.square(turned.mean(0) - truth).mean(), rel=0.05)


def test_a_refit_is_fitted_on_validation_rows_too_and_keeps_the_weights() -> None:
    rows = SETTING.case.split(48)
    spoilt = SETTING.case.values.copy()
    spoilt[rows.test.border :] = 0.0
    windows = SETTING.windows("test", marks=True)
    once, again = fit_ridge_blend(SETTING), fit_ridge_blend(replace(SETTING, refit=True))
    assert again.choice == once.choice
    assert (once.forecast(windows) - again.forecast(windows)).abs().max() > 1e-4
    blind = fit_ridge_blend(replace(SETTING, refit=True, case=replace(SETTING.case, values=spoilt)))
    torch.testing.assert_close(blind.forecast(windows), again.forecast(windows), rtol=0, atol=0)


def test_rows_too_few_for_a_window_are_refused() -> None:
    with pytest.raises((InputError, ValueError), match="too few|no window"):
        fit_ridge_blend(replace(SETTING, horizon=60))
