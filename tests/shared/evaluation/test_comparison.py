import json
from dataclasses import replace

import numpy as np
import pytest

from labformer.shared.errors import InputError
from labformer.shared.evaluation.comparison import Contender, compare

RNG = np.random.default_rng(0)
DAY = RNG.gamma(8, 1 / 8, 60)  # hard and easy days, the same for all models


def contender(model: str, level: float, role: str = "simple", **more) -> Contender:
    return Contender(model, level, level * DAY * RNG.gamma(50, 1 / 50, 60), role, **more)  # type: ignore[arg-type]


NAIVE = contender("weekly-naive", 820, "baseline", others={"RMSE": 1010.0}, seconds_fit=0.0, parameters=0)
DAILY = contender("daily-naive", 1200, "baseline")
RIDGE = contender("nlinear-ridge", 500, others={"RMSE": 700.0}, seconds_fit=1.25, parameters=16176)
WAVE = contender("itransformer", 600, "transformer", seconds_fit=83.0, parameters=841568, paper=".386", note="3 seeds")
BAD_WAVE = contender("informer", 1000, "transformer")
TWIN = replace(
    RIDGE,
    model="twin",
    validation=501.0,
    errors=np.asarray(RIDGE.errors) * RNG.gamma(400, 1 / 400, 60),
    role="transformer",
)


def test_the_winner_is_chosen_on_validation_and_not_on_test() -> None:
    lucky = replace(RIDGE, model="lucky", validation=900.0, errors=np.asarray(RIDGE.errors) / 2)
    result = compare([NAIVE, RIDGE, lucky])
    assert result.chosen == "nlinear-ridge"
    assert result.rows[0].model == "lucky"
    assert result.table().rows[result.table().marked or 0][0] == "nlinear-ridge"
    assert compare([NAIVE, RIDGE, lucky], chosen="lucky").chosen == "lucky"


def test_a_row_holds_the_mean_error_and_the_skill_against_the_best_baseline() -> None:
    result = compare([DAILY, NAIVE, RIDGE], unit="MW")
    assert result.reference == "weekly-naive"
    row = next(row for row in result.rows if row.model == "nlinear-ridge")
    assert row.value == pytest.approx(np.mean(RIDGE.errors), rel=1e-12)
    assert row.skill == pytest.approx(1 - np.mean(RIDGE.errors) / np.mean(NAIVE.errors), rel=1e-12)
    assert row.low < row.value < row.high
    assert row.skill_low < row.skill < row.skill_high


def test_the_verdict_says_who_wins_by_how_much_and_that_the_transformer_loses() -> None:
    result = compare([NAIVE, DAILY, RIDGE, WAVE], unit="MW")
    value, below = np.mean(RIDGE.errors), 100 * (1 - np.mean(RIDGE.errors) / np.mean(NAIVE.errors))
    head = f"nlinear-ridge wins: MAE {value:.0f} MW, {below:.0f} % below weekly-naive (90 % interval "
    assert result.verdict.startswith(head)
    assert "; itransformer loses to it by " in result.verdict
    assert result.beaten == ("itransformer",)


def test_a_transformer_behind_a_baseline_is_told_so() -> None:
    result = compare([NAIVE, RIDGE, BAD_WAVE])
    assert "informer loses to it" in result.verdict
    assert "loses even to the baseline weekly-naive" in result.verdict


def test_a_chosen_transformer_is_held_against_the_best_simple_model() -> None:
    wins = compare([NAIVE, RIDGE, replace(WAVE, errors=np.asarray(RIDGE.errors) * 0.8)], chosen="itransformer")
    assert "itransformer wins" in wins.verdict
    assert "it beats nlinear-ridge on test by 20 %" in wins.verdict
    assert wins.beaten == ()
    loses = compare([NAIVE, RIDGE, WAVE], chosen="itransformer")
    assert "it loses to nlinear-ridge by" in loses.verdict
    assert loses.beaten == ("itransformer",)


def test_a_difference_whose_interval_covers_zero_is_not_distinguishable() -> None:
    result = compare([NAIVE, RIDGE, TWIN])
    assert (
        "twin is not distinguishable from it (" in result.verdict
        or "not distinguishable from nlinear" in result.verdict
    )
    assert result.beaten == ()
    close = replace(
        NAIVE, model="model", role="simple", validation=1.0, errors=NAIVE.errors * RNG.gamma(99, 1 / 99, 60)
    )
    assert "not distinguishable from weekly-naive" in compare([NAIVE, close]).verdict


def test_a_choice_that_loses_on_test_is_not_called_a_win() -> None:
    result = compare([NAIVE, replace(DAILY, model="overfit", role="simple", validation=1.0)])
    assert result.verdict.startswith("overfit, chosen on validation, loses on test")
    baseline = compare([NAIVE, contender("model", 1500)])
    assert baseline.verdict.startswith("weekly-naive, a baseline, wins")
    assert "no trained model did better on validation" in baseline.verdict


def test_too_few_windows_leave_the_interval_open_and_claim_nothing() -> None:
    short = [replace(one, errors=np.asarray(one.errors)[:1]) for one in (NAIVE, RIDGE, WAVE)]
    result = compare(short)
    assert np.isnan(result.rows[0].low)
    assert result.verdict.count("too few test windows for an interval") == 2
    assert "wins" not in result.verdict
    assert "loses" not in result.verdict
    assert "interval" not in result.table().header[2]


def test_a_baseline_without_error_cannot_be_beaten_and_breaks_nothing() -> None:
    perfect = replace(NAIVE, errors=np.zeros(60), validation=0.0)
    result = compare([perfect, RIDGE, WAVE])
    assert result.chosen == "weekly-naive"
    assert result.beaten == ("itransformer",)
    assert json.loads(result.to_json())["rows"][1]["skill"] is None


def test_json_is_strict_and_says_none_for_what_is_not_known() -> None:
    found = json.loads(compare([NAIVE, RIDGE, WAVE], unit="MW").to_json())
    rows = {row["model"]: row for row in found["rows"]}
    assert rows["nlinear-ridge"]["seconds_fit"] == 1.25
    assert rows["nlinear-ridge"]["seconds_predict"] is None
    assert rows["nlinear-ridge"]["others"] == {"RMSE": 700.0}
    assert rows["itransformer"]["paper"] == ".386"
    assert found["chosen"] == "nlinear-ridge"
    assert found["windows"] == 60


def test_text_and_markdown_hold_every_model_and_the_verdict() -> None:
    result = compare([NAIVE, RIDGE, WAVE], unit="MW")
    for page in (result.to_text(), result.to_markdown()):
        assert page.endswith(result.verdict)
        for word in ("weekly-naive", "nlinear-ridge", "itransformer", "841,568", "1.2 s", "3 seeds", "MAE MW", "RMSE"):
            assert word in page
    assert "predict" not in result.to_text()  # nobody filled that column


def test_comparisons_that_would_mislead_are_refused() -> None:
    with pytest.raises(InputError, match="needs a baseline"):
        compare([RIDGE, WAVE])
    with pytest.raises(InputError, match="same name"):
        compare([NAIVE, NAIVE])
    with pytest.raises(InputError, match="same windows"):
        compare([NAIVE, replace(RIDGE, errors=np.ones(5))])
    with pytest.raises(InputError, match="nlinear-ridge.*finite"):
        compare([NAIVE, replace(RIDGE, errors=np.full(60, np.nan))])
    with pytest.raises(InputError, match="'magic' is not compared"):
        compare([NAIVE, RIDGE], chosen="magic")
