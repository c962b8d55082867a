import os
import pickle
from pathlib import Path

import pytest
import torch

from labformer.shared.errors import InputError
from labformer.shared.learning.checkpoint import read_checkpoint, write_checkpoint

IDENTITY = {"model": "Line", "learning_rate": 0.1}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "checkpoint.pt"
    write_checkpoint(path, {"identity": IDENTITY, "numbers": [1, 2.5, None], "tensor": torch.arange(3.0)})
    return path


def test_a_checkpoint_comes_back_as_it_was_written(path: Path) -> None:
    state = read_checkpoint(path, IDENTITY)
    assert state["numbers"] == [1, 2.5, None]
    assert torch.equal(state["tensor"], torch.arange(3.0))
    assert [file.name for file in path.parent.iterdir()] == ["checkpoint.pt"]


@pytest.mark.parametrize("bytes_kept", [0, 10, 600])
def test_a_truncated_checkpoint_is_refused(path: Path, bytes_kept: int) -> None:
    path.write_bytes(path.read_bytes()[:bytes_kept])
    with pytest.raises(InputError, match="cannot be read.*delete it"):
        read_checkpoint(path, IDENTITY)


def test_a_pickle_is_refused_and_not_run(path: Path, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "sprung"),))

    path.write_bytes(pickle.dumps(Trap(), protocol=2))
    with pytest.raises(InputError, match="cannot be read"):
        read_checkpoint(path, IDENTITY)
    torch.save({"identity": IDENTITY, "trap": Trap()}, path)
    with pytest.raises(InputError, match="cannot be read"):
        read_checkpoint(path, IDENTITY)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("identity", [{**IDENTITY, "learning_rate": 0.2}, {"model": "Line"}, {**IDENTITY, "more": 1}])
def test_another_run_is_refused_naming_what_differs(path: Path, identity: dict) -> None:
    with pytest.raises(InputError, match="another run: (learning_rate|more) is"):
        read_checkpoint(path, identity)


def test_a_failed_write_leaves_the_former_checkpoint(path: Path) -> None:
    with pytest.raises(AttributeError):
        write_checkpoint(path, {"identity": IDENTITY, "unstorable": lambda: None})
    assert read_checkpoint(path, IDENTITY)["numbers"] == [1, 2.5, None]
    assert [file.name for file in path.parent.iterdir()] == ["checkpoint.pt"]
