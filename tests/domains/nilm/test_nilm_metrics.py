"""Laws of the scores of a split, and of the table that always holds the zero predictor."""

from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as reference

from labformer.domains.nilm.appliances import APPLIANCES
from labformer.domains.nilm.metrics import Scored, average, score, score_table
from labformer.shared.errors import InputError

KETTLE = APPLIANCES["kettle"]
TIMES = pd.date_range("2024-01-20", periods=20_000, freq="1min", tz="Europe/London")


def powers(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = np.where(rng.random(20_000) < 0.05, rng.uniform(0, 3000, 20_000), 0)
    return truth, np.where(
        rng.random(20_000) < 0.7, truth * rng.uniform(0.5, 1.5, 20_000), rng.uniform(-50, 900, 20_000)
    )


def same(one, other) -> None:
    for name, value in asdict(one).items():
        assert value == pytest.approx(getattr(other, name), rel=1e-9, nan_ok=True), name


def test_nothing_scores_half_in_teca_and_as_the_table_says_it_does() -> None:
    truth, power = powers()
    nothing = score(truth, np.zeros_like(truth), KETTLE, TIMES)
    assert nothing.teca == 0.5
    assert (nothing.mr, nothing.nde, nothing.sae, nothing.f1) == (0, 1, 1, 0)
    same(score(truth, power, KETTLE, TIMES).of_zero(), nothing)


def test_the_truth_itself_is_perfect_above_the_floor() -> None:
    truth = np.where(powers()[0] > 500, powers()[0], 0)
    best = score(truth, truth, KETTLE, TIMES)
    assert (best.teca, best.mr, best.f1, best.balanced_accuracy) == (1, 1, 1, 1)
    assert best.mae == best.rmse == best.nde == best.sae == best.day_error == best.month_error == 0


def test_state_scores_are_those_of_scikit_learn() -> None:
    truth, power = powers(1)
    found = score(truth, power, KETTLE)
    on, said = (truth >= 500) & (truth <= 6000), power > 500
    assert found.f1 == pytest.approx(reference.f1_score(on, said))
    assert found.accuracy == pytest.approx(reference.accuracy_score(on, said))
    assert found.balanced_accuracy == pytest.approx(reference.balanced_accuracy_score(on, said))
    assert found.precision == pytest.approx(reference.precision_score(on, said))
    assert found.recall == pytest.approx(reference.recall_score(on, said))


def test_errors_are_those_of_the_definitions_in_watts() -> None:
    truth, power = powers(2)
    found, cut = score(truth, power, KETTLE), np.where(power < 500, 0, power)
    assert found.mae == pytest.approx(np.abs(truth - cut).mean())
    assert found.teca == pytest.approx(1 - np.abs(truth - cut).sum() / (2 * truth.sum()))
    assert found.mr == pytest.approx(np.minimum(truth, cut).sum() / np.maximum(truth, cut).sum())
    assert found.nde == pytest.approx(((truth - cut) ** 2).sum() / (truth**2).sum())


def test_the_matching_rate_does_not_care_who_is_truth_and_the_errors_scale_with_the_unit() -> None:
    truth, power = (np.where(one < 500, 0, one) for one in powers(3))
    assert score(truth, power, KETTLE).mr == pytest.approx(score(power, truth, KETTLE).mr)
    assert score(truth, power, KETTLE).f1 == pytest.approx(score(power, truth, KETTLE).f1)
    assert score(truth, power, KETTLE).mae == pytest.approx(score(power, truth, KETTLE).mae)


def test_minutes_that_are_not_real_change_nothing_but_the_share_covered() -> None:
    truth, power = powers(4)
    hidden = np.random.default_rng(0).random(len(truth)) < 0.3
    masked, blind = np.where(hidden, np.nan, truth), np.where(hidden, 1e6, power)
    kept = score(truth[~hidden], power[~hidden], KETTLE, TIMES[~hidden])
    found = score(masked, blind, KETTLE, TIMES)
    assert found.covered == pytest.approx((~hidden).mean())
    assert asdict(found) | {"covered": 1.0} == pytest.approx(asdict(kept))
    same(score(masked, power, KETTLE, TIMES), score(truth, np.where(hidden, np.nan, power), KETTLE, TIMES))


def test_a_prediction_strictly_under_the_threshold_is_nothing() -> None:
    truth = np.array([0.0, 600.0])
    assert score(truth, np.array([499.9, 600]), KETTLE).mae == 0
    assert score(truth, np.array([500.0, 600]), KETTLE).mae == 250
    assert score(truth, np.array([500.0, 600]), KETTLE).f1 == 1  # on means strictly above the threshold
    assert score(truth, np.array([499.9, 600]), KETTLE, threshold=100).mae == pytest.approx(499.9 / 2)


def test_energy_errors_are_medians_over_the_days_and_months_of_the_local_clock() -> None:
    times = pd.date_range("2024-01-30", periods=4, freq="1D", tz="UTC")
    found = score(np.array([1000.0, 2000, 0, 4000]), np.array([1100.0, 2600, 900, 0]), KETTLE, times)
    assert found.day_error == pytest.approx(0.3)  # .1, .3, none, 1
    assert found.month_error == pytest.approx((700 / 3000 + 3100 / 4000) / 2)
    assert np.isnan(score(np.ones(4), np.ones(4), KETTLE).day_error)


def test_an_appliance_that_never_ran_has_no_score_where_none_exists() -> None:
    found = score(np.zeros(100), np.r_[np.zeros(99), 2000.0], KETTLE, TIMES[:100])
    absent = (found.teca, found.nde, found.sae, found.recall, found.balanced_accuracy, found.month_error)
    assert np.isnan(absent).all()
    assert (found.mae, found.mr, found.f1, found.accuracy) == (20, 0, 0, 0.99)
    assert np.isnan(score(np.zeros(9), np.zeros(9), KETTLE).mr)
    assert np.isnan(found.of_zero().teca)


def test_the_table_always_holds_the_zero_predictor_and_the_means() -> None:
    truth, power = powers(5)
    lines = [Scored("trees", name, score(truth, power, APPLIANCES[name])) for name in ("kettle", "microwave")]
    table = score_table(lines)
    assert [row[:2] for row in table.rows] == [
        ["zero", "kettle"], ["zero", "microwave"], ["trees", "kettle"], ["trees", "microwave"],
        ["zero", "mean of 2"], ["trees", "mean of 2"],
    ]  # fmt: skip
    assert table.rows[0][2] == "0.500"
    given = [*lines, Scored("zero", "kettle", lines[0].score.of_zero())]
    assert score_table(given).rows == table.rows
    assert average([line.score for line in lines]).mae == pytest.approx((lines[0].score.mae + lines[1].score.mae) / 2)


def test_what_cannot_be_scored_is_refused_in_words() -> None:
    with pytest.raises(InputError, match="must both be"):
        score(np.ones(3), np.ones(4), KETTLE)
    with pytest.raises(InputError, match="nothing to score"):
        score(np.full(3, np.nan), np.ones(3), KETTLE)
    with pytest.raises(InputError, match="no scores"):
        average([])
