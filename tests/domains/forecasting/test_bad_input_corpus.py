"""Every file of the corpus is read, or repaired and said, or refused in one line; nothing else ever happens."""

import gc
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labformer.domains.forecasting.data import read_load
from labformer.shared.errors import InputError


@pytest.fixture(scope="module")
def corpus(write_cases: Callable[[Path], list[Any]]) -> list[Any]:
    return write_cases(Path(__file__).with_name("corpus.py"))


def fault(case: Any, handled: Callable[..., tuple[Any, str]]) -> str:
    """What is wrong with how a case was handled; empty when nothing is."""
    data, wrong = handled(case, lambda: read_load(case.path, **case.options))
    if data is None or wrong:
        return wrong
    truth = case.truth
    if len(truth) != data.known or (data.times[: data.known] != truth.index).any():
        return f"times run {data.times[0]} to {data.times[data.known - 1]}, not {truth.index[0]} to {truth.index[-1]}"
    known = truth.notna().to_numpy()
    off = np.abs(data.targets[: data.known, 0] - truth)[known].max()
    return "" if off < 1e-9 else f"differs from the truth by {off}"


def test_every_file_is_read_repaired_and_said_or_refused_in_one_line(
    corpus: list[Any], handled: Callable[..., tuple[Any, str]], capfd: pytest.CaptureFixture[str]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        faults = {case.name: found for case in corpus if (found := fault(case, handled))}
        gc.collect()
    assert faults == {}
    assert capfd.readouterr() == ("", "")


def test_the_corpus_is_wide(corpus: list[Any]) -> None:
    count = Counter(case.expectation for case in corpus)
    assert len({case.name for case in corpus}) == len(corpus) >= 50
    assert min(count.values()) >= 10


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 719), st.integers(0, 12), st.binary(max_size=6)), min_size=1, max_size=3))
def test_random_damage_to_a_csv_is_read_or_refused(tmp_path: Path, damage: list[tuple[int, int, bytes]]) -> None:
    lines = [f"2024-01-{day:02d} {hour:02d}:00,{900 + 7 * hour + day}.5\n" for day in (1, 2) for hour in range(15)]
    content = ("time,load\n" + "".join(lines)).encode()
    for start, length, written in damage:
        content = content[:start] + written + content[start + length :]
    path = tmp_path / "load.csv"
    path.write_bytes(content)
    try:
        data = read_load(path, targets="load", max_gap="1d")
    except InputError as error:
        assert len(str(error).splitlines()) == 1
    else:
        assert np.isfinite(data.targets).all()
