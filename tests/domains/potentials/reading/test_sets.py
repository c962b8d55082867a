"""The sets of the catalogue: parts, units, the sign and order of stress against energies; skips without the files."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from labformer.domains.potentials.frame import Frame
from labformer.domains.potentials.neighbours import neighbours
from labformer.domains.potentials.reading.door import read_frames
from labformer.domains.potentials.reading.leaks import leaks
from labformer.domains.potentials.reading.options import ReadOptions
from labformer.domains.potentials.reading.scale import evidence
from labformer.domains.potentials.reading.sets import SETS, first_frames, load_set, source_of
from labformer.domains.potentials.reading.split import require_no_leaks
from labformer.shared.datasets.catalogue import row
from labformer.shared.errors import InputError

pytest.importorskip("ase", reason="frames need the extra potentials")
DATA = Path(os.environ.get("LABFORMER_DATA", ""))
files = pytest.mark.skipif(
    not ("LABFORMER_DATA" in os.environ and (DATA / "crystals" / "mlearn").is_dir()),
    reason="no local copies: LABFORMER_DATA is not set, or has no molecules and crystals",
)
SIX = [(0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)]


def test_every_set_names_rows_of_the_catalogue() -> None:
    for known in SETS.values():
        assert known.text and all(row(name).domain in ("molecules", "crystals") for name in known.rows)


def test_an_unknown_set_is_answered_with_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'rmd17-aspirin'"):
        load_set("rmd17-asprin")


@files
def test_rmd17_has_its_published_parts_and_few_frames_hold_their_own_validation() -> None:
    whole = load_set("rmd17-ethanol")
    assert (len(whole.train), len(whole.validation), len(whole.tests["test"])) == (950, 50, 1000)
    require_no_leaks({"train": whole.train, "validation": whole.validation, "test": whole.tests["test"]})
    assert not whole.train[0].periodic
    train, validation = first_frames("ethanol", whole.train, 50, True, 50)
    assert (len(train), len(validation)) == (45, 5)
    assert {one.name for one in [*train, *validation]} == {one.name for one in whole.train[:50]}


@files
def test_more_frames_than_there_are_is_said() -> None:
    with pytest.raises(InputError, match="219 frames to train on, not 951"):
        load_set("mlearn-li", 951)


@files
def test_3bpa_is_tested_without_the_frames_that_training_has() -> None:
    found = load_set("3bpa")
    assert sorted(found.reference) == [1, 6, 7, 8] and found.reference[1] == pytest.approx(-13.59, abs=0.01)
    assert len(found.tests["mixed temperatures"]) == 469
    assert leaks([*found.train, *found.validation], found.tests["mixed temperatures"]) == []


@files
def test_ethanol_and_what_lies_far_from_it() -> None:
    found = load_set("ethanol-methanol")
    assert {name: len(part) for name, part in found.tests.items()} == {
        "dynamics": 1000,
        "mode at 874/cm": 37,
        "mode at 3005/cm": 18,
        "hydrogen removed": 60,
        "dimers": 429,
    }
    assert all(one.forces is None for one in found.tests["dimers"]) and len(found.reference) == 4


@files
def test_copper_is_trained_without_its_test_frames() -> None:
    found = load_set("mlearn-cu")
    test = found.tests["test"]
    assert len(found.train) + len(found.validation) == 262 and len(test) == 31
    assert not [one for one in leaks(found.train, test) if not one.moved]
    assert all(one.stress is not None for one in found.train)
    said = " ".join(found.repairs)  # rows of benchmarks say it, and are passed on
    assert "Cu_alignn_train_and_test.json, frame" in said and str(DATA) not in said
    split = json.loads((DATA / "crystals/mlearn/Cu_split.json").read_text())
    twice = [place for place in split["train"] if place >= 262]  # of that file: the test frames once more
    assert len(twice) >= 25
    assert max(abs(one.energy) / len(one) for one in found.train) < 4.2  # type: ignore[arg-type]


@files
def test_water_reads_from_folders() -> None:
    found = load_set("water-deepmd")
    assert (len(found.train), len(found.validation), len(found.tests["test"])) == (240, 80, 80)
    one = found.train[0]
    assert one.pbc.all() and np.bincount(one.numbers)[[1, 8]].tolist() == [128, 64]
    seen = evidence(found.train[:60])
    assert 30 < seen.stiffness < 55 and 250 < seen.heat < 450  # O-H, at 300 to 330 K


def sheared(frames: list[Frame]) -> list[tuple[int, float, float]]:
    """Pairs of strained perfect cells that differ in one component: which, dE and the work of the stress over it."""
    found = []
    for one in frames:
        for other in frames:
            bend = np.linalg.inv((one.cell + other.cell) / 2) @ (other.cell - one.cell)
            bend = (bend + bend.T) / 2
            size = np.abs(bend).max()
            for place, (i, j) in enumerate(SIX):
                rest = bend.copy()
                rest[i, j] = rest[j, i] = 0.0
                if 0.005 < abs(bend[i, j]) < 0.03 and np.abs(rest).max() < 0.2 * size:
                    mean = (one.stress[place] * one.volume + other.stress[place] * other.volume) / 2  # type: ignore[index]
                    found.append((place, other.energy - one.energy, mean * bend[i, j] * (1 if i == j else 2)))  # type: ignore[operator]
    return found


@files
@pytest.mark.parametrize(
    ("name", "file"), [("si", "Si_training"), ("ge", "Ge_training"), ("cu", "Cu_alignn_train_and_test")]
)
def test_stress_of_strained_cells_does_the_work_of_their_energies(name: str, file: str) -> None:
    read = read_frames(DATA / "crystals" / "mlearn" / f"{file}.json")
    frames = [one for one in read.frames if one.stress is not None and len(one) in (64, 108)]
    still = next(one for one in frames if np.abs(one.forces).max() < 1e-3)  # type: ignore[arg-type]
    places = still.positions @ np.linalg.inv(still.cell)
    perfect = []
    for one in frames:
        if len(one) == len(still):
            gaps = one.positions @ np.linalg.inv(one.cell) - places
            gaps -= gaps[0]
            perfect += [one] if np.abs(gaps - np.round(gaps)).max() < 1e-3 else []
    rows = sheared(perfect)
    for component in range(6):
        gained, work = np.array([row[1:] for row in rows if row[0] == component]).T
        assert len(work) >= 6
        slope = float(gained @ work / (work @ work))
        assert slope == pytest.approx(1.0, abs=0.12), (name, component)
        assert np.corrcoef(gained, work)[0, 1] > 0.9


@files
@pytest.mark.parametrize("file", ["Si_training", "Ge_training", "Li_training", "Cu_alignn_train_and_test"])
def test_shear_of_dynamics_follows_a_pair_potential_fitted_to_the_forces(file: str) -> None:
    read = read_frames(DATA / "crystals" / "mlearn" / f"{file}.json", ReadOptions())
    hot = [one for one in read.frames if one.stress is not None and np.sqrt(np.mean(one.forces**2)) > 0.15]  # type: ignore[operator]
    hot = hot[:: max(1, len(hot) // 16)]
    forces, virials = zip(*(pair_features(one) for one in hot), strict=True)
    left, right = np.vstack(forces), np.concatenate([one.forces.reshape(-1) for one in hot])  # type: ignore[union-attr]
    square = left.T @ left
    weights = np.linalg.solve(square + 1e-6 * np.trace(square) * np.eye(len(square)), left.T @ right)
    shear = np.array([virial @ weights for virial in virials])[:, [3, 4, 5]]
    found = np.array([one.stress[3:] * one.volume for one in hot])  # type: ignore[index]
    overlap = shear.T @ found / np.sqrt(np.outer((shear**2).sum(0), (found**2).sum(0)))
    assert (overlap.argmax(1) == [0, 1, 2]).all(), overlap
    assert overlap.diagonal().min() > 0.6


def pair_features(frame: Frame, cutoff: float = 6.0) -> tuple[np.ndarray, np.ndarray]:
    """Forces (3 atom, weight) and strain derivatives (6, weight) of a pair potential of Gaussians, by weight."""
    centres, width = np.linspace(1.8, 5.5, 22), 0.25
    near = neighbours(frame, cutoff)
    ways = frame.positions[near.second] + near.shifts @ frame.cell - frame.positions[near.first]
    lengths = np.linalg.norm(ways, axis=1)
    bumps = np.exp(-(((lengths[:, None] - centres) / width) ** 2))
    smooth, slope = (
        0.5 * (1 + np.cos(np.pi * lengths / cutoff)),
        -0.5 * np.pi / cutoff * np.sin(np.pi * lengths / cutoff),
    )
    change = bumps * (-2 * (lengths[:, None] - centres) / width**2 * smooth[:, None] + slope[:, None])
    units = ways / lengths[:, None]
    pulls = np.zeros((len(frame), 3, len(centres)))
    np.add.at(pulls, near.first, units[:, :, None] * change[:, None])
    virial = np.stack([0.5 * (lengths * units[:, i] * units[:, j]) @ change for i, j in SIX])
    return pulls.reshape(-1, len(centres)), virial


def test_a_set_says_whose_it_is_and_under_which_licence() -> None:
    said = source_of("mlearn-cu")
    assert "mlearn-cu" in said and "PBE" in said and "BSD-3-Clause" in said and "Zuo" in said
    assert all(row(name).licence in source_of(known) for known in SETS for name in SETS[known].rows)
