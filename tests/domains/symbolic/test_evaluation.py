"""The protocol: what a fit sees, what it is scored on, and that a killed run goes on where it stopped."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from labformer.domains.symbolic.judging.corruption_protocol import CLEAN, TABLE, Setting, spoiled
from labformer.domains.symbolic.judging.evaluation import accuracy, evaluate, score, summary
from labformer.domains.symbolic.judging.odebench import odebench
from labformer.domains.symbolic.system import System
from labformer.domains.symbolic.trajectory import Trajectory
from labformer.shared.errors import InputError, MissingExtra
from labformer.shared.evaluation.rows import read_rows

SOME = [odebench()[place] for place in (1, 23)]


def oracle(runs: Sequence[Trajectory]) -> System:
    """The law by the name of the run, for tests of the protocol alone."""
    return next(one.system for one in SOME if runs[0].name.startswith(one.name))


def test_the_truth_scores_one_everywhere() -> None:
    for setting in TABLE:
        row = score("oracle", oracle, SOME[0], setting)
        assert row["reconstruction"] == pytest.approx(1, abs=1e-6)
        assert row["generalisation"] == pytest.approx(1, abs=1e-6)
        assert row["recovered"]
        assert row["recall"] == 1
        assert row["complexity"] == row["true_complexity"] == 3
        assert row.get("third_start", 1) == pytest.approx(1, abs=1e-6)


def test_a_fit_that_fails_counts_zero_and_the_others_go_on() -> None:
    def broken(runs: Sequence[Trajectory]) -> System:
        raise np.linalg.LinAlgError("singular\nmatrix")

    rows = evaluate("broken", broken, SOME, [CLEAN])
    assert [row["error"] for row in rows] == ["LinAlgError: singular"] * 2
    assert accuracy(rows).value == accuracy(rows, "recovered", 0).value == 0
    assert summary(rows)["failed"] == 2
    wrong = score("wrong", lambda runs: System.parse(["x_0"] * 3), SOME[0], CLEAN)
    assert "3 equations for 1 states" in wrong["error"]


def test_a_missing_package_is_no_score() -> None:
    def lacking(runs: Sequence[Trajectory]) -> System:
        raise MissingExtra("pip install")

    with pytest.raises(MissingExtra):
        score("lacking", lacking, SOME[0], CLEAN)


def test_noise_is_multiplicative_and_dropping_takes_a_share() -> None:
    run = SOME[1].runs[0]
    noisy = spoiled(run, Setting(noise=0.05, seed=3))
    ratio = noisy.states / run.states - 1
    assert np.std(ratio) == pytest.approx(0.05, rel=0.1)
    assert abs(np.mean(ratio)) < 0.01
    assert len(spoiled(run, Setting(dropped=0.5)).times) == 256
    assert len(spoiled(run, Setting(dropped=0.25)).times) == 384
    np.testing.assert_array_equal(spoiled(run, CLEAN).states, run.states)


def test_draws_repeat_with_their_seed_and_differ_between_seeds_and_systems() -> None:
    run, setting = SOME[0].runs[0], Setting(noise=0.05, dropped=0.5, seed=1)
    np.testing.assert_array_equal(spoiled(run, setting).states, spoiled(run, setting).states)
    other = spoiled(run, Setting(noise=0.05, dropped=0.5, seed=2))
    assert not np.array_equal(spoiled(run, setting).times, other.times)
    twin = Trajectory(run.times, run.states, run.names, "another")
    assert not np.array_equal(spoiled(run, setting).times, spoiled(twin, setting).times)


def test_a_fit_never_sees_the_second_run_unless_both_are_given() -> None:
    seen: list[list[str]] = []

    def watching(runs: Sequence[Trajectory]) -> System:
        seen.append([run.name for run in runs])
        return oracle(runs)

    evaluate("watching", watching, SOME[:1], [CLEAN, Setting(both_starts=True)])
    assert seen == [["odebench-02, run 0"], ["odebench-02, run 0", "odebench-02, run 1"]]


def test_a_killed_run_goes_on(tmp_path: Path) -> None:
    path, calls = tmp_path / "rows.jsonl", []

    def counted(runs: Sequence[Trajectory]) -> System:
        calls.append(runs[0].name)
        return oracle(runs)

    settings = [CLEAN, Setting(noise=0.05)]
    whole = evaluate("counted", counted, SOME, settings, seeds=2, path=path)
    assert len(whole) == len(calls) == 2 + 2 * 2
    text = path.read_text()
    path.write_text(text[: text.rindex('"equations"')])  # the last row is cut short
    again = evaluate("counted", counted, SOME, settings, seeds=2, path=path)
    assert len(calls) == len(whole) + 1
    drop = {"seconds", "processor_seconds"}
    assert [{k: v for k, v in row.items() if k not in drop} for row in again] == [
        {k: v for k, v in row.items() if k not in drop} for row in whole
    ]
    assert len(read_rows(path)) == len(whole)


def test_a_file_that_holds_no_rows_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("not json\n")
    with pytest.raises(InputError, match="no file of rows"):
        read_rows(path)
    with pytest.raises(InputError, match="no rows"):
        accuracy([])


def test_intervals_hold_the_truth_about_nine_times_in_ten() -> None:
    draw = np.random.default_rng(0)
    held = 0
    for trial in range(100):
        rows = [{"system": f"{place}", "reconstruction": float(draw.random() < 0.7)} for place in range(60)]
        interval = accuracy(rows, draws=300, seed=trial)
        assert interval.low <= interval.value <= interval.high
        held += interval.covers(0.7)
    assert 80 <= held <= 98


def test_settings_are_checked() -> None:
    for wrong in ({"noise": -0.1}, {"dropped": 1.0}):
        with pytest.raises(InputError):
            Setting(**wrong)  # type: ignore[arg-type]
    assert [str(one) for one in TABLE] == [
        "clean", "clean, 50% dropped", "5% noise", "5% noise, 50% dropped", "clean, both starts"
    ]  # fmt: skip
