"""Radii of forces and intervals of energies hold on new frames what they promise, and say so where they cannot."""

import math

import numpy as np
import pytest

from labformer.domains.potentials.frame import molecule
from labformer.domains.potentials.parts import Answered
from labformer.domains.potentials.uncertainty import Trust, calibrate, frames_needed, grouped_quantile

NUMBERS = np.array([1] * 6 + [6] * 3)


def answered(count: int, seed: int, telling: bool = True) -> list[Answered]:
    """Frames whose errors have a size of their own, shared by all atoms of a frame; carbon is twice as wrong."""
    random = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        doubt = random.lognormal(0, 0.7, len(NUMBERS)) * random.lognormal(0, 0.5)
        size = 0.02 * doubt * np.where(NUMBERS == 6, 2.0, 1.0)
        truth = molecule(NUMBERS, np.zeros((9, 3))).labelled(0.0, np.zeros((9, 3)))
        forces = size[:, None] * random.normal(0, 1, (9, 3))
        energy = float(np.sqrt(np.sum(size**2)) * random.normal())
        spread = doubt if telling else np.zeros(9)
        made.append(Answered(truth, energy, forces, None, spread, np.full(9, np.nan)))
    return made


def held(trust: Trust, answers: list[Answered]) -> tuple[float, float, float]:
    """Share of the forces and of the energies that are held, and the mean radius."""
    scales = [trust.scales(NUMBERS, one.spread, one.novelty) for one in answers]
    radii = [trust.radii(scale) for scale in scales]
    forces = np.mean([one.force_error <= radius for one, radius in zip(answers, radii, strict=True)])
    ends = [trust.interval(one.energy, scale) for one, scale in zip(answers, scales, strict=True)]
    energies = np.mean([low <= 0.0 <= high for low, high in ends])
    return float(forces), float(energies), float(np.mean(radii))


@pytest.mark.parametrize("frames", [12, 50])
@pytest.mark.parametrize("coverage", [0.8, 0.9])
def test_what_is_promised_is_held_on_average_over_calibrations(frames: int, coverage: float) -> None:
    found = [held(calibrate(answered(frames, seed), coverage), answered(30, 1000 + seed)) for seed in range(30)]
    forces, energies, _ = np.mean(found, axis=0)
    assert coverage - 0.02 < forces < coverage + 0.75 / frames + 0.04
    assert coverage - 0.04 < energies < 1.0


def test_a_doubt_that_tells_makes_radii_smaller() -> None:
    with_doubt = np.mean([held(calibrate(answered(40, seed)), answered(60, 99))[2] for seed in range(10)])
    without = np.mean([held(calibrate(answered(40, seed, False)), answered(60, 99, False))[2] for seed in range(10)])
    assert with_doubt < 0.85 * without


def test_elements_have_floors_of_their_own_and_strangers_the_largest() -> None:
    trust = calibrate(answered(60, 3, telling=False))
    assert trust.weight == 0.0
    assert 1.6 < trust.floors[6] / trust.floors[1] < 2.4
    assert trust.floor == trust.floors[6]
    scales = trust.scales(np.array([1, 6, 79]), np.zeros(3), np.array([0.5, 3.0, np.nan]))
    np.testing.assert_allclose(scales, [trust.floors[1], 3 * trust.floors[6], trust.floor])


def test_too_few_frames_promise_nothing() -> None:
    assert frames_needed(0.9) == 9 and frames_needed(0.5) == 1
    few, enough = calibrate(answered(8, 0)), calibrate(answered(9, 0))
    assert math.isinf(few.force_factor) and np.isnan(few.radii(np.ones(3))).all()
    assert np.isnan(few.interval(1.0, np.ones(3))).all()
    assert np.isfinite(enough.radii(np.ones(3))).all()


def test_groups_weigh_alike_however_large_they_are() -> None:
    groups = [np.full(1000, 5.0), *(np.array([float(one)]) for one in range(1, 10))]
    assert grouped_quantile(groups, 0.5) == 5.0  # 0.55 of the weight: 1, 2, 3, 4 and the large group
    assert grouped_quantile([np.array([1.0])], 0.9) == math.inf


@pytest.mark.parametrize("frames", [4, 30])
def test_trust_survives_json(frames: int) -> None:
    trust = calibrate(answered(frames, 1))
    assert Trust.from_dict(trust.to_dict()) == trust
