from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from labformer.domains.forecasting.published import measure as published
from labformer.domains.forecasting.published import ridge_blend
from labformer.domains.forecasting.published.measure import CLOSED_FORMS, MODELS, SEEDLESS, measure
from labformer.domains.forecasting.published.papers import PAPERS
from labformer.domains.forecasting.published.protocol import Case, calendar_marks, read_case
from labformer.domains.forecasting.published.setting import Setting
from labformer.shared.datasets.catalogue import locate
from labformer.shared.errors import InputError

PROMISED = {"case", "model", "lookback", "horizon", "metric", "value", "low", "high", "paper"}
COST = {"seconds_fit", "seconds_predict", "parameters"}
BY_SEED = {"by_seed", "validation_mse_by_seed", "choice_by_seed", "seeds", "ema_decay", "setting", "note"}


def simulated(rows: int = 400, step: str = "1h", start: str = "2020-01-01") -> Case:
    times = pd.date_range(start, periods=rows, freq=step)
    clock = (times.hour + times.minute / 60).to_numpy()[:, None]
    rng = np.random.default_rng(0)
    values = np.sin(2 * np.pi * clock / 24 + np.array([0.0, 1.0])) + 0.3 * rng.normal(size=(rows, 2))
    return Case("simulated", values, calendar_marks(times), "parts")


def setting(case: Case | None = None, lookback: int = 48, horizon: int = 12) -> Setting:
    return Setting(case or simulated(), lookback, horizon, progress=False)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trained models for one epoch, and a small transformer."""
    recipe = published.TrainingConfig

    def short(epochs: int, *rest: Any, **more: Any) -> Any:
        return recipe(1, *rest, **more)

    class Small(published.ITransformerConfig):
        def __init__(self, lookback: int, horizon: int, width: int, hidden: int, depth: int) -> None:
            super().__init__(lookback, horizon, width // 16, hidden // 16, depth=depth)

    monkeypatch.setattr(published, "TrainingConfig", short)
    monkeypatch.setattr(published, "ITransformerConfig", Small)
    monkeypatch.setattr(ridge_blend, "REFINING", short(1))


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("model", MODELS)
def test_a_row_tells_everything_and_its_interval_holds_its_value(model: str) -> None:
    rows = measure(model, setting(), seeds=(3, 4))
    assert [row["metric"] for row in rows] == ["mse", "mae"]
    for row in rows:
        assert set(row) == PROMISED | COST | BY_SEED
        assert (row["case"], row["model"], row["lookback"], row["horizon"]) == ("simulated", model, 48, 12)
        assert 0 < row["low"] <= row["value"] <= row["high"]
        assert row["paper"] is None
        assert row["seeds"] == ([] if model in SEEDLESS else [3, 4])
        assert len(row["by_seed"]) == (1 if model in SEEDLESS else 2)
        assert row["value"] == pytest.approx(np.mean(row["by_seed"]))
        assert len(row["validation_mse_by_seed"]) == len(row["by_seed"])
        assert row["parameters"] >= 0
        assert row["seconds_fit"] >= 0 <= row["seconds_predict"]


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("model", ["nlinear", "itransformer", "samformer"])
def test_seeds_differ_and_a_seed_repeats(model: str) -> None:
    first, again = measure(model, setting(), (3, 4)), measure(model, setting(), (4,))
    one, other = first[0]["by_seed"]
    assert one != other
    assert again[0]["by_seed"] == [other]


@pytest.mark.usefixtures("quick")
def test_weight_averaging_is_a_setting_of_the_trained_models_and_stands_in_the_row() -> None:
    averaged = replace(setting(), ema_decay=0.9)
    (plain, _), (mean, _) = measure("nlinear", setting(), (0,)), measure("nlinear", averaged, (0,))
    assert (plain["ema_decay"], mean["ema_decay"]) == (0.0, 0.9)
    assert plain["value"] != mean["value"]
    assert measure("nlinear-ridge", averaged, (0,))[0]["ema_decay"] == 0.0


@pytest.mark.usefixtures("quick")
def test_without_its_sharpness_aware_steps_samformer_is_its_ablation() -> None:
    (sharp, _), (plain, _) = measure("samformer", setting(), (0,)), measure("samformer-adam", setting(), (0,))
    (off, _) = measure("samformer", replace(setting(), sam_rho=0.0), (0,))
    assert off["value"] == plain["value"] != sharp["value"]


@pytest.mark.parametrize("model", ["nlinear-ridge", "dlinear-ridge", "ridge-weighted"])
def test_a_refit_is_a_setting_of_its_own_with_the_same_validation_error(model: str) -> None:
    (once, _), (again, _) = (measure(model, replace(setting(), refit=refit), (0,)) for refit in (False, True))
    assert (once["setting"], again["setting"]) == ("published", "refit on train + validation")
    assert once["validation_mse_by_seed"] == again["validation_mse_by_seed"]
    assert once["value"] != again["value"]
    assert measure("last-value", replace(setting(), refit=True), (0,))[0]["setting"] == "published"
    with pytest.raises(InputError, match="--refit is for nlinear-ridge"):
        measure("dlinear", replace(setting(), refit=True), (0,))


def test_the_note_of_a_case_stands_in_its_rows() -> None:
    noted = replace(simulated(), note="sentinels are left in")
    assert [row["note"] for row in measure("last-value", setting(noted), (0,))] == ["sentinels are left in"] * 2
    assert measure("last-value", setting(), (0,))[0]["note"] is None


def test_a_paper_s_figure_is_found_by_case_model_lookback_and_horizon() -> None:
    assert PAPERS["ettm1", "itransformer", 96, 336] == {"mse": 0.426, "mae": 0.420}
    assert PAPERS["exchange", "nlinear", 336, 720] == {"mse": 1.033, "mae": 0.780}
    assert PAPERS["etth1", "samformer", 512, 720] == {"mse": 0.427}
    assert ("etth1", "samformer", 512, 192) not in PAPERS  # not in the extract that was checked


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("model", ["nlinear-ridge", "dlinear-ridge", "ridge-weighted", "nlinear"])
def test_the_validation_error_of_a_row_is_that_of_the_weights_kept(model: str) -> None:
    told = setting()
    windows, fitted = told.windows("validation"), MODELS[model](told)
    truth = windows.batch(torch.arange(len(windows))).future
    assert fitted.validation_mse == pytest.approx((fitted.forecast(windows) - truth).square().mean().item(), rel=1e-4)
    assert measure(model, told, (0,))[0]["validation_mse_by_seed"] == [fitted.validation_mse]


def test_every_test_window_is_counted() -> None:
    case = simulated()
    (mse, mae) = measure("last-value", setting(case), (0,))
    values, start = case.values, 320
    errors = np.array(
        [values[origin : origin + 12] - values[origin - 1] for origin in range(start, len(values) - 12 + 1)]
    )
    assert len(errors) == 80 - 12 + 1
    assert mse["value"] == pytest.approx(np.square(errors).mean(), rel=1e-5)
    assert mae["value"] == pytest.approx(np.abs(errors).mean(), rel=1e-5)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("model", ["last-value", "seasonal-naive-day", *CLOSED_FORMS])
def test_test_rows_are_for_scoring_only(model: str) -> None:
    case = simulated()
    spoilt = replace(case, values=np.where(np.arange(400)[:, None] < 320, case.values, 0.0))
    fitted = [MODELS[model](setting(one)) for one in (case, spoilt)]
    found = [one.forecast(setting(case).windows("validation", one.marks)) for one in fitted]
    torch.testing.assert_close(found[0], found[1], rtol=0, atol=0)


@pytest.mark.parametrize(
    ("step", "start"),
    [("1h", "2020-01-01"), ("1h", "2020-01-01 23:00"), ("15min", "2020-01-01 00:45"), ("10min", "2020-01-01")],
)
def test_the_last_day_is_a_day_whatever_the_step(step: str, start: str) -> None:
    day = pd.Timedelta("1D") // pd.Timedelta(step)
    case = simulated(10 * day, step, start)
    row = np.sin(np.arange(len(case.values)) * 2 * np.pi / day)
    case = replace(case, values=np.stack([row, 2 * row], axis=-1))
    (mse, _) = measure("seasonal-naive-day", setting(case, day, day // 2), (0,))
    assert mse["value"] < 1e-10


def test_an_unknown_model_and_a_part_too_short_are_refused() -> None:
    with pytest.raises(InputError, match="no model named 'oracle' for this bench; known: last-value"):
        measure("oracle", setting(), (0,))
    with pytest.raises(InputError, match="too few"):
        measure("last-value", setting(horizon=81), (0,))
    with pytest.raises(InputError, match="lookback"):
        measure("seasonal-naive-day", setting(lookback=12), (0,))


@pytest.fixture(scope="module")
def etth1() -> Callable[[int, int], Setting]:
    try:
        case = read_case(locate("etth1"), "etth1", "hourly")
    except InputError as error:
        pytest.skip(f"needs ETTh1, set LABFORMER_DATA: {error}")
    return lambda lookback, horizon: Setting(case, lookback, horizon, progress=False)


@pytest.mark.parametrize(("model", "mse", "mae"), [("last-value", 1.294, 0.713), ("seasonal-naive-day", 0.512, 0.433)])
def test_naive_forecasts_of_etth1_have_the_known_errors(
    etth1: Callable[[int, int], Setting], model: str, mse: float, mae: float
) -> None:
    found = {row["metric"]: row["value"] for row in measure(model, etth1(96, 96), (0,))}
    assert found["mse"] == pytest.approx(mse, abs=6e-4)
    assert found["mae"] == pytest.approx(mae, abs=6e-4)


@pytest.mark.parametrize(("horizon", "most"), [(96, 0.370), (192, 0.403)])
def test_closed_form_nlinear_of_etth1_is_no_worse_than_was_asked(
    etth1: Callable[[int, int], Setting], horizon: int, most: float
) -> None:
    mse, mae = measure("nlinear-ridge", etth1(336, horizon), (0,))
    assert mse["value"] <= most
    assert mse["paper"] == {96: 0.374, 192: 0.408}[horizon]
    assert mae["paper"] == {96: 0.394, 192: 0.415}[horizon]
    assert mse["parameters"] == (336 + 1) * horizon
