"""Every file of the corpus of mains is read, or repaired and said, or refused in one line; nothing else."""

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

from labformer.domains.nilm.data import read_house, read_mains
from labformer.shared.errors import InputError


@pytest.fixture(scope="module")
def corpus(write_cases: Callable[[Path], list[Any]]) -> list[Any]:
    return write_cases(Path(__file__).with_name("mains_corpus.py"))


def fault(case: Any, handled: Callable[..., tuple[Any, str]]) -> str:
    """What is wrong with how a case was handled; empty when nothing is."""
    house, wrong = handled(case, lambda: read_house(case.source, **case.options))
    if house is None or wrong:
        return wrong
    truth = case.truth
    if truth is None:
        return ""
    if len(truth) != len(house.times) or (house.times != truth.index).any():
        return f"times run {house.times[0]} to {house.times[-1]}, not {truth.index[0]} to {truth.index[-1]}"
    if (unlike := np.isfinite(house.mains_w) != truth.notna().to_numpy()).any():
        return f"{unlike.sum()} minutes are known in one and not in the other, first {house.times[unlike.argmax()]}"
    off = np.nanmax(np.abs(house.mains_w - truth.to_numpy()))
    return "" if off < 0.2 else f"differs from the truth by {off} W"


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
    assert len({case.name for case in corpus}) == len(corpus) >= 80
    assert min(count.values()) >= 10


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 1500), st.integers(0, 12), st.binary(max_size=6)), min_size=1, max_size=3))
def test_random_damage_to_a_csv_is_read_or_refused(tmp_path: Path, damage: list[tuple[int, int, bytes]]) -> None:
    lines = [f"2024-01-01 0{hour}:{minute:02d},{90 + 7 * minute + hour}.5\n" for hour in (1, 2) for minute in range(30)]
    content = ("time,mains\n" + "".join(lines)).encode()
    for start, length, written in damage:
        content = content[:start] + written + content[start + length :]
    path = tmp_path / "mains.csv"
    path.write_bytes(content)
    try:
        house = read_mains(path, unit="W")
    except InputError as error:
        assert len(str(error).splitlines()) == 1
    else:
        assert np.isfinite(house.mains_w).any()
        assert house.times.freq == house.step
