import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import nn

from labformer import __version__
from labformer.shared.errors import InputError
from labformer.shared.learning.folder import from_pretrained, read_folder, save_pretrained, write_folder


@dataclass(frozen=True)
class Inner:
    scale: float = 2.0


@dataclass(frozen=True)
class LineConfig:
    widths: tuple[int, ...] = (3, 2)
    inner: Inner = Inner()

    def __post_init__(self) -> None:
        if len(self.widths) != 2:
            raise ValueError(f"widths={self.widths} must be two numbers.")


class Line(nn.Module):
    Config = LineConfig

    def __init__(self, config: LineConfig = LineConfig()) -> None:
        super().__init__()
        self.config = config
        self.map = nn.Linear(*config.widths)
        self.tied = self.map.weight  # one tensor under two names
        self.norm = nn.BatchNorm1d(config.widths[1])


class Curve(Line):
    pass


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_pretrained(Line(LineConfig((5, 4), Inner(0.1))), tmp_path / "line", card="# A line\n")
    return tmp_path / "line"


def test_a_model_comes_back_with_the_same_config_weights_and_class_ready_to_predict(tmp_path: Path) -> None:
    model = Line(LineConfig((5, 4), Inner(0.1)))
    save_pretrained(model, tmp_path / "line", card="# A line")
    state = torch.get_rng_state()
    back = from_pretrained(Line, tmp_path / "line")
    assert torch.equal(torch.get_rng_state(), state)
    assert back.config == model.config
    assert not back.training
    assert all(torch.equal(back.state_dict()[name], value) for name, value in model.state_dict().items())


def test_the_folder_holds_three_readable_files(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == ["card.md", "config.json", "model.safetensors"]
    about = json.loads((folder / "config.json").read_text())
    assert about == {
        "class": "Line",
        "config": {"widths": [5, 4], "inner": {"scale": 0.1}},
        "labformer": __version__,
    }
    assert (folder / "card.md").read_text() == "# A line\n"


def test_tensors_of_any_layout_and_kind_survive(tmp_path: Path) -> None:
    grid = torch.arange(12.0, dtype=torch.float64).view(3, 4)
    tensors = {"strided": grid.T, "slice": grid[:, 1:2], "count": torch.tensor(3), "mask": torch.tensor([True, False])}
    write_folder(tmp_path / "any", "Any", {"a": [1, None, "x"]}, tensors, card="any")
    saved = read_folder(tmp_path / "any", "Any")
    assert saved.config == {"a": [1, None, "x"]}
    assert saved.card == "any\n"
    for name, tensor in tensors.items():
        assert saved.tensors[name].dtype == tensor.dtype
        assert torch.equal(saved.tensors[name], tensor)


def test_another_class_is_refused_by_both_names(folder: Path) -> None:
    with pytest.raises(InputError, match="holds a Line, not a Curve"):
        from_pretrained(Curve, folder)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "card.md"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(InputError, match=f"{name} is missing"):
        from_pretrained(Line, folder)
    with pytest.raises(InputError, match="no model folder"):
        from_pretrained(Line, folder / "nowhere")


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
@pytest.mark.parametrize("content", [b"", b"\x80\x04K\x01.", b"[1, 2]", b'{"class": "Line", "con'])
def test_a_damaged_file_is_named(folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)
    with pytest.raises(InputError, match=f"{name} is damaged"):
        from_pretrained(Line, folder)


def test_truncated_weights_are_refused(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(InputError, match=r"model\.safetensors is damaged"):
        from_pretrained(Line, folder)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"widths": [5, 4], "depth": 2}, r"unknown field\(s\) \['depth'\]"),
        ({"widths": [5, 4, 3]}, "must be two numbers"),
        ({"widths": [5, 7]}, "weights in .* do not fit"),
        ({"inner": 3}, "has 3 where the fields of Inner"),
    ],
)
def test_a_config_that_does_not_fit_is_refused(folder: Path, config: dict, message: str) -> None:
    about = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**about, "config": config}))
    with pytest.raises(InputError, match=message):
        from_pretrained(Line, folder)


def test_an_existing_folder_stays_unless_it_may_be_replaced(folder: Path) -> None:
    with pytest.raises(InputError, match="exists"):
        save_pretrained(Line(), folder, card="new")
    assert (folder / "card.md").read_text() == "# A line\n"
    save_pretrained(Line(), folder, card="new", overwrite=True)
    assert from_pretrained(Line, folder).config == LineConfig()


def test_a_config_that_json_cannot_hold_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_folder(tmp_path / "bad", "Any", {"x": float("nan")}, {}, card="")
    assert not list(tmp_path.iterdir())
