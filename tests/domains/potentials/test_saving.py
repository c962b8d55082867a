"""A potential as a folder: the same answers come back, and a damaged folder is refused."""

import json
import shutil
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file

from labformer.domains.potentials import registry
from labformer.domains.potentials.predictor import InteratomicPotential
from labformer.domains.potentials.registry import Entry
from labformer.domains.potentials.saving import shipped
from labformer.shared.errors import InputError

spec = spec_from_file_location("potentials_springs", Path(__file__).with_name("springs.py"))
springs = sys.modules.setdefault("potentials_springs", module_from_spec(spec))
if not hasattr(springs, "world"):
    spec.loader.exec_module(springs)


@pytest.fixture(autouse=True)
def morse(monkeypatch):
    monkeypatch.setitem(registry.MODELS, "morse", Entry("potentials_springs", "Morse", "simple", "bonds"))


@pytest.mark.parametrize("members", [1, 3])
def test_a_saved_potential_answers_as_before(tmp_path, members):
    train, test = springs.frames(30, seed=1, noise=0.05), springs.frames(5, seed=2)
    made = InteratomicPotential("morse", members=members).fit(train)
    made.scores_, made.tested_, made.data_note_ = made.score(test), "five frames", "simulated here"
    made.save_pretrained(tmp_path / "model")
    back = InteratomicPotential.from_pretrained(tmp_path / "model")
    for one, other in zip(made.predict(test), back.predict(test), strict=True):
        assert one.energy == other.energy
        np.testing.assert_array_equal(one.forces, other.forces)
        np.testing.assert_allclose(one.force_radius, other.force_radius, rtol=1e-4)
        np.testing.assert_allclose(one.novelty, other.novelty, rtol=1e-4, atol=1e-4)
    assert back.trust_ == made.trust_ and back.elements_ == made.elements_ and back.cutoff == made.cutoff
    card = (tmp_path / "model" / "card.md").read_text()
    for words in (
        "H, O",
        "simulated here",
        "five frames",
        "meV/Å",
        "seed 0",
        "When not to use it",
        "novelty is above 1",
    ):
        assert words in card
    back.save_pretrained(tmp_path / "again")
    assert (tmp_path / "again" / "card.md").read_text() == card
    first, second = (load_file(tmp_path / name / "model.safetensors") for name in ("model", "again"))
    assert all((first[name] == second[name]).all() for name in first)
    with pytest.raises(InputError, match="exists"):
        back.save_pretrained(tmp_path / "again")


def test_a_damaged_folder_is_refused_in_one_line(tmp_path):
    InteratomicPotential("morse").fit(springs.frames(12, seed=1)).save_pretrained(tmp_path / "model")

    def spoiled(name, change):
        shutil.copytree(tmp_path / "model", tmp_path / name)
        path = tmp_path / name / "config.json"
        about = json.loads(path.read_text())
        change(about["config"])
        path.write_text(json.dumps(about))
        with pytest.raises(InputError) as caught:
            InteratomicPotential.from_pretrained(tmp_path / name)
        return str(caught.value)

    assert "damaged" in spoiled("no-parts", lambda config: config.pop("parts"))
    assert "damaged" in spoiled("other-part", lambda config: config["parts"][0].update(kind="Popen"))
    assert "damaged" in spoiled("other-elements", lambda config: config.update(elements=[1, 6]))
    with pytest.raises(InputError, match="no model folder"):
        InteratomicPotential.from_pretrained(tmp_path / "nowhere")


def test_what_ships_can_be_read():
    for name in shipped():
        made = InteratomicPotential.from_pretrained(name)
        assert made.elements_ and made.card_
