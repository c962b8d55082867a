"""Every file of the corpus of trajectories is read, or repaired and said, or refused in one line; nothing else."""

import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labformer.domains.symbolic.reading.data import read_runs
from labformer.shared.errors import InputError


@pytest.fixture(scope="module")
def corpus(write_cases: Callable[[Path], list[Any]]) -> list[Any]:
    return write_cases(Path(__file__).with_name("trajectory_corpus.py"))


def fault(case: Any, handled: Callable[..., tuple[Any, str]]) -> str:
    """What is wrong with how a case was handled; empty when nothing is."""
    read, wrong = handled(case, lambda: read_runs(case.source, **case.options), longest=600)
    if read is None or wrong:
        return wrong
    if len(read.runs) != case.runs:
        return f"{len(read.runs)} runs, not {case.runs}"
    points = sum(len(run.times) for run in read.runs)
    return "" if case.points in (None, points) else f"{points} points, not {case.points}"


def test_every_file_is_read_repaired_and_said_or_refused_in_one_line(
    corpus: list[Any], handled: Callable[..., tuple[Any, str]], capfd: pytest.CaptureFixture[str]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        faults = {case.name: found for case in corpus if (found := fault(case, handled))}
    assert faults == {}
    assert capfd.readouterr() == ("", "")


def test_the_corpus_is_wide(corpus: list[Any]) -> None:
    count = Counter(case.expectation for case in corpus)
    assert len({case.name for case in corpus}) == len(corpus) >= 60
    assert min(count.values()) >= 10


def test_values_survive_every_container(corpus: list[Any]) -> None:
    cases = {case.name: case for case in corpus}
    truth = read_runs(cases["frame"].source).runs[0]
    same = ("clean", "tabs.tsv", "clean.parquet", "book.xlsx", "clean.nc", "packed.csv.gz", "decimal-commas",
            "no-header", "unit-in-all-cells", "two-rows-swapped", "time-runs-backwards", "a-row-repeated", "dataset",
            "arrays", "array-of-time-and-state", "frame-with-times-in-the-index")  # fmt: skip
    for name in same:
        read = read_runs(cases[name].source).runs[0]
        np.testing.assert_allclose(read.times, truth.times, atol=1e-6, err_msg=name)
        np.testing.assert_allclose(read.states, truth.states, atol=1e-6, err_msg=name)


def test_dates_become_elapsed_time(corpus: list[Any]) -> None:
    case = next(case for case in corpus if case.name == "dates-in-days")
    read = read_runs(case.source, time_unit="d")
    assert read.time_unit == "d"
    np.testing.assert_allclose(read.runs[0].times, np.arange(60) / 24)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 600), st.integers(0, 12), st.binary(max_size=6)), min_size=1, max_size=3))
def test_random_damage_to_a_csv_is_read_or_refused(tmp_path: Path, damage: list[tuple[int, int, bytes]]) -> None:
    content = ("t,x,y\n" + "".join(f"{k / 4},{1.5 ** (k % 7):.4f},{-k / 3:.4f}\n" for k in range(30))).encode()
    for start, length, written in damage:
        content = content[:start] + written + content[start + length :]
    path = tmp_path / "run.csv"
    path.write_bytes(content)
    try:
        read = read_runs(path)
    except InputError as error:
        assert len(str(error).splitlines()) == 1
    else:
        assert all(np.isfinite(run.states).all() and (np.diff(run.times) > 0).all() for run in read.runs)
