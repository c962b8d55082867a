"""The 63 systems as facts: what they are, that they integrate, and that they are those of the published file."""

import json
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from labformer.domains.symbolic.judging.odebench import odebench, read_odebench, write_odebench
from labformer.domains.symbolic.judging.scoring import retold
from labformer.shared.errors import InputError

FOLDER = Path(os.environ.get("LABFORMER_DATA", Path(__file__).parents[4] / "shared" / "data"))
FILE = FOLDER / "symbolic" / "strogatz_extended.json"
CHAOTIC = {"odebench-55", "odebench-56", "odebench-59", "odebench-60", "odebench-61"}


def test_there_are_63_systems_of_known_dimensions() -> None:
    systems = odebench()
    assert Counter(one.system.dimension for one in systems) == {1: 23, 2: 28, 3: 10, 4: 2}
    assert [one.name for one in systems] == [f"odebench-{place:02d}" for place in range(1, 64)]
    assert all(one.starts.shape == (2, one.system.dimension) and len(one.times) == 512 for one in systems)


def test_the_true_law_retells_its_runs() -> None:
    for one in odebench()[::7]:
        for run in one.runs:
            assert retold(one.system, run.times, run.states) > 0.999, one.name


def test_some_known_laws() -> None:
    assert odebench()[1].system.strings() == ["0.23*x_0"]
    np.testing.assert_allclose(odebench()[1].runs[0].states[-1], 4.78 * np.exp(2.3), rtol=1e-4)
    assert odebench()[26].system.strings() == ["x_0*(1.84 - 1.45*x_1)", "-x_1*(3.0 - 1.62*x_0)"]
    seir = odebench()[62].runs[0].states
    np.testing.assert_allclose(seir.sum(1), 1, atol=1e-6)  # people are conserved


@pytest.mark.skipif(not FILE.is_file(), reason="the published file is not on this machine")
def test_our_runs_are_those_of_the_published_file() -> None:
    for ours, theirs in zip(odebench(), read_odebench(FILE), strict=True):
        assert ours.system == theirs.system
        np.testing.assert_array_equal(ours.starts, theirs.starts)
        for mine, other in zip(ours.runs, theirs.runs, strict=True):
            count = 96 if ours.name in CHAOTIC else 512  # beyond it errors of 1e-5 have grown to the attractor's size
            scale = np.abs(other.states).max(0)
            np.testing.assert_allclose(mine.states[:count] / scale, other.states[:count] / scale, atol=2e-3)


def test_a_file_in_that_layout_is_written_and_read(tmp_path: Path) -> None:
    some = odebench()[1:3]
    write_odebench(some, tmp_path / "some.json")
    back = read_odebench(tmp_path / "some.json")
    for one, other in zip(some, back, strict=True):
        assert other.name == one.name
        assert other.system.strings() == one.system.strings()
        np.testing.assert_array_equal(one.runs[1].states, other.runs[1].states)


GOOD = {"id": 1, "eq": "c_0*x_0", "dim": 1, "consts": [[-0.5]], "init": [[1.0], [2.0]]}
BAD = {
    "lacks eq": ([{k: v for k, v in GOOD.items() if k != "eq"}], "system 1 lacks eq"),
    "no list": ({"a": 1}, "no list of systems"),
    "not an object": ([3], "system 1 lacks"),
    "dimension": ([GOOD | {"dim": 2}], "dim is 2"),
    "constant": ([GOOD | {"eq": "c_1*x_0"}], "'c_1' is not known"),
    "code": ([GOOD | {"eq": "__import__('os')"}], "'__import__' is no known function"),
    "starts": ([GOOD | {"init": [["a"]]}], "does not fit ODEBench's layout"),
    "solutions": ([GOOD | {"solutions": [[{"t": [0, 1], "y": [[1, 2]]}]]}], "solutions have shape"),
}


def test_a_file_without_solutions_is_integrated(tmp_path: Path) -> None:
    path = tmp_path / "own.json"
    path.write_text(json.dumps([GOOD]))
    (one,) = read_odebench(path)
    assert one.name == "own-1"
    np.testing.assert_allclose(one.runs[1].states[-1], 2 * np.exp(-5), rtol=1e-3)


@pytest.mark.parametrize("name", BAD)
def test_a_faulty_file_is_refused_with_its_system(tmp_path: Path, name: str) -> None:
    content, words = BAD[name]
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=words.replace("(", r"\(")) as caught:
        read_odebench(path)
    assert "\n" not in str(caught.value)
