"""Laws of a disaggregator as a folder: the same numbers back, a card for people, damage named in a line."""

import json
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from safetensors.numpy import load_file, save_file

from labformer.domains.nilm import predictor, registry, saving
from labformer.domains.nilm.house import House
from labformer.domains.nilm.models.boosted import Boosted
from labformer.domains.nilm.predictor import Disaggregator
from labformer.domains.nilm.saving import ALL, shipped
from labformer.domains.nilm.simulate import simulate
from labformer.shared.errors import InputError

NAMES = ("kettle", "dishwasher")
MODELS = ("zero", "mean", "boosted-plain", "boosted-copies", "boosted", "blend")


@pytest.fixture(scope="module")
def house() -> House:
    return simulate(8, 9, appliances=NAMES)


@pytest.fixture(scope="module")
def model() -> Disaggregator:
    houses = [simulate(12, seed, appliances=NAMES) for seed in range(2)]
    with pytest.MonkeyPatch.context() as patch:
        for name, passes, seed in (("boosted-plain", 1, 0), ("boosted-copies", 1, 1), ("boosted", 2, 2)):
            quick = registry.MODELS[name]._replace(
                build=lambda run, passes=passes, seed=seed: Boosted(copies=0, passes=passes, rounds=12, seed=seed)
            )
            patch.setitem(registry.MODELS, name, quick)
        patch.setattr(predictor, "MADE_UP", 1)
        return Disaggregator(NAMES, MODELS).fit(houses)


def choosing(model: Disaggregator, candidate: str) -> Disaggregator:
    """The same fit with another choice."""
    made = Disaggregator(NAMES, MODELS)
    made.__dict__.update(model.__dict__)
    made.chosen_ = dict.fromkeys(NAMES, candidate)
    return made


@pytest.fixture
def folder(model: Disaggregator, tmp_path: Path) -> Path:
    model.save_pretrained(tmp_path / "made")
    return tmp_path / "made"


@pytest.mark.parametrize("candidate", ["zero", "mean", "boosted", "blend"])
def test_what_was_saved_answers_the_same_numbers(
    candidate: str, model: Disaggregator, house: House, tmp_path: Path
) -> None:
    made = choosing(model, candidate)
    made.save_pretrained(tmp_path / "made")
    loaded = Disaggregator.from_pretrained(tmp_path / "made")
    xr.testing.assert_identical(loaded.predict(house), made.predict(house))
    assert loaded.chosen_ == made.chosen_
    assert (loaded.thresholds_, loaded.trust_, loaded.coverage) == (made.thresholds_, made.trust_, made.coverage)
    for name in NAMES:
        scores = (astuple(one.validation_scores_[candidate][name]) for one in (loaded, made))
        np.testing.assert_array_equal(*scores)
    loaded.save_pretrained(tmp_path / "again")  # a copy of a copy says the same
    again, first = (json.loads((tmp_path / at / "config.json").read_text()) for at in ("again", "made"))
    assert again == first


def test_only_what_answers_is_kept(model: Disaggregator, tmp_path: Path) -> None:
    for candidate, kept in (("mean", {"mean"}), ("blend", {"boosted-plain", "boosted-copies", "boosted"})):
        choosing(model, candidate).save_pretrained(tmp_path / candidate)
        tensors = load_file(tmp_path / candidate / "model.safetensors")
        assert {name.split("|")[0] for name in tensors} == kept
    choosing(model, "boosted").only("kettle").save_pretrained(tmp_path / "part")
    shares = [name for name in load_file(tmp_path / "part" / "model.safetensors") if name.endswith("share.root")]
    assert shares == ["boosted|kettle/share.root"]


def test_the_card_says_what_it_rests_on(model: Disaggregator, folder: Path) -> None:
    card = (folder / "card.md").read_text()
    assert card.startswith("# Disaggregator: kettle, dishwasher")
    for words in ("Learnt from: simulated", "TECA", "seed 0", "No house was kept for a test", "## When not to use it"):
        assert words in card
    for name, candidate in model.chosen_.items():
        assert f"{name}: {candidate}, running from a probability of {model.thresholds_[name]:g}" in card


def test_a_folder_that_exists_is_left_alone_unless_told(model: Disaggregator, folder: Path) -> None:
    before = (folder / "config.json").read_bytes()
    with pytest.raises(InputError, match="overwrite"):
        model.save_pretrained(folder)
    assert (folder / "config.json").read_bytes() == before
    choosing(model, "mean").save_pretrained(folder, overwrite=True)
    assert Disaggregator.from_pretrained(folder).chosen_["kettle"] == "mean"


@pytest.mark.parametrize("field", ["bands", "chosen", "thresholds", "validation", "step", "models", "coverage"])
def test_a_config_without_a_field_is_damaged(field: str, folder: Path) -> None:
    about = json.loads((folder / "config.json").read_text())
    del about["config"][field]
    (folder / "config.json").write_text(json.dumps(about))
    with pytest.raises(InputError, match="damaged or of another version") as caught:
        Disaggregator.from_pretrained(folder)
    assert "\n" not in str(caught.value)


def test_damaged_or_missing_files_are_named(folder: Path, model: Disaggregator, tmp_path: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    save_file(
        {name: one for name, one in tensors.items() if not name.endswith("share.value")}, folder / "model.safetensors"
    )
    with pytest.raises(InputError, match="damaged"):
        Disaggregator.from_pretrained(folder)
    save_file(
        {name: one for name, one in tensors.items() if not name.startswith("boosted|")}, folder / "model.safetensors"
    )
    with pytest.raises(InputError, match="damaged"):
        Disaggregator.from_pretrained(folder)
    save_file({"boostd|x": np.zeros(1)}, folder / "model.safetensors")
    with pytest.raises(InputError, match="damaged"):
        Disaggregator.from_pretrained(folder)
    (folder / "model.safetensors").write_bytes(b"not tensors")
    with pytest.raises(InputError, match="damaged"):
        Disaggregator.from_pretrained(folder)
    (folder / "card.md").unlink()
    with pytest.raises(InputError, match=r"card\.md is missing"):
        Disaggregator.from_pretrained(folder)
    with pytest.raises(InputError, match="there is no model folder"):
        Disaggregator.from_pretrained(tmp_path / "nowhere")


def test_parts_of_one_fit_on_the_shelf_join_to_the_whole(
    model: Disaggregator, house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = choosing(model, "boosted")
    for name in NAMES:
        whole.only(name).save_pretrained(tmp_path / "shelf" / name)
    monkeypatch.setattr(saving, "_shelf", lambda: tmp_path / "shelf")
    assert shipped() == sorted(NAMES)
    joined = Disaggregator.from_pretrained(ALL)
    assert list(joined.members_) == ["boosted"]
    found, expected = (one.predict(house).sel(appliance=list(NAMES)) for one in (joined, whole))
    for name in ("power_w", "probability", "energy_kwh", "energy_high_kwh", "rest_w"):
        np.testing.assert_array_equal(found[name], expected[name])
    alone = Disaggregator.from_pretrained("kettle").predict(house)
    np.testing.assert_array_equal(
        alone["probability"].sel(appliance="kettle"), expected["probability"].sel(appliance="kettle")
    )
    joined.save_pretrained(tmp_path / "joined")
    again = Disaggregator.from_pretrained(tmp_path / "joined")
    np.testing.assert_array_equal(again.predict(house)["power_w"], joined.predict(house)["power_w"])


def test_an_empty_shelf_ships_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saving, "_shelf", lambda: tmp_path / "shelf")
    assert shipped() == []
    for name in ("kettle", ALL):
        with pytest.raises(InputError, match="model"):
            Disaggregator.from_pretrained(name)
