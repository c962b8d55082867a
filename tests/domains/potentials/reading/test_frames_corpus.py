"""Every file of the corpus of frames is read, or repaired and said, or refused in one line; nothing else."""

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

pytest.importorskip("ase", reason="frames by EMT need the extra potentials")

from labformer.domains.potentials.frame import Frame
from labformer.domains.potentials.reading.door import read_frames
from labformer.domains.potentials.reading.options import ReadOptions
from labformer.shared.errors import InputError

GOOD = "".join(
    f'3\nProperties=species:S:1:pos:R:3:forces:R:3 energy={-300 - 0.1 * place} pbc="F F F"\n'
    f"O 0.0 0.0 {0.01 * place}\nH 0.96 0.0 0.0\nH -0.24 0.93 0.0\n".replace("\nH", " 0.1 0.2 0.3\nH").replace(
        "0.0\nH", "0.0 0.1 0.2 0.3\nH"
    )
    for place in range(3)
)


@pytest.fixture(scope="module")
def corpus(write_cases: Callable[[Path], list[Any]]) -> list[Any]:
    return write_cases(Path(__file__).with_name("frames_corpus.py"))


def fault(case: Any, handled: Callable[..., tuple[Any, str]]) -> str:
    """What is wrong with how a case was handled; empty when nothing is."""
    read, wrong = handled(case, lambda: read_frames(case.path, ReadOptions(**case.options)), longest=700)
    if read is None or wrong or case.truth is None:
        return wrong
    if len(read.frames) != len(case.truth):
        return f"{len(read.frames)} frames, not {len(case.truth)}"
    return next((said for a, b in zip(read.frames, case.truth, strict=True) if (said := unlike(a, b))), "")


def unlike(found: Frame, true: Frame) -> str:
    """In what two frames differ by more than the digits that were written."""
    for name in ("numbers", "positions", "cell", "pbc", "energy", "forces"):
        values = [np.asarray(getattr(one, name), float) for one in (found, true)]
        if values[0].shape != values[1].shape or np.abs(values[0] - values[1]).max() > 2e-5:
            return f"{found.name}: {name} is another"
    if found.stress is not None and true.stress is not None and np.abs(found.stress - true.stress).max() > 1e-6:
        return f"{found.name}: stress is {found.stress}, not {true.stress}"
    return ""


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
    assert len({case.name for case in corpus}) == len(corpus) >= 90
    assert min(count.values()) >= 15


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 420), st.integers(0, 12), st.binary(max_size=6)), min_size=1, max_size=3))
def test_random_damage_is_read_or_refused_in_one_line(tmp_path: Path, damage: list[tuple[int, int, bytes]]) -> None:
    content = GOOD.encode()
    for start, length, written in damage:
        content = content[:start] + written + content[start + length :]
    path = tmp_path / "damaged.extxyz"
    path.write_bytes(content)
    try:
        read = read_frames(path, ReadOptions(needs="nothing"))
    except InputError as error:
        assert len(str(error).splitlines()) == 1
    else:
        assert all(np.isfinite(one.positions).all() for one in read.frames)
