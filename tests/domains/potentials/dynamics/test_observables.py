from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from labformer.domains.potentials.dynamics.drift import energy_drift
from labformer.domains.potentials.dynamics.likeness import likeness
from labformer.domains.potentials.dynamics.radial import radial_distribution, radial_error
from labformer.domains.potentials.dynamics.spectrum import (
    LIGHT_CM_PER_FS,
    peaks,
    spectral_overlap,
    velocity_autocorrelation,
    vibrational_spectrum,
)
from labformer.domains.potentials.dynamics.stability import stability
from labformer.domains.potentials.dynamics.trajectory import Trajectory
from labformer.domains.potentials.frame import Frame, molecule
from labformer.shared.errors import InputError

STEP = 2.0


def swinging(waves: tuple[float, ...] = (1000.0, 3000.0), moments: int = 4000, seed: int = 0) -> Trajectory:
    """Two atoms 1.1 Å apart that swing along one line at some wavenumbers."""
    clock = STEP * np.arange(moments)
    turns = 2 * np.pi * LIGHT_CM_PER_FS * np.array(waves)
    phases = np.random.default_rng(seed).uniform(0, 2 * np.pi, len(waves))
    sizes = 0.02 * 1000 / np.array(waves)
    stretch = (sizes * np.cos(clock[:, None] * turns + phases)).sum(1)
    speed = (-sizes * turns * np.sin(clock[:, None] * turns + phases)).sum(1)
    masses, along = np.array([12.0, 1.0]), np.array([[-1.0], [12.0]]) / 13 * np.array([1.0, 0, 0])
    positions = np.array([[0.0, 0, 0], [1.1, 0, 0]]) + stretch[:, None, None] * along
    velocities = speed[:, None, None] * along
    kinetic = 0.5 * (masses[:, None] * velocities**2).sum((1, 2)) * 103.6427
    return Trajectory(
        np.array([6, 1]), masses, np.zeros((3, 3)), np.zeros(3, bool), clock, positions, velocities,
        kinetic.mean() * 2 - kinetic, kinetic, np.full(moments, np.nan), 1, {"temperature_K": 300.0},
    )  # fmt: skip


def changed(made: Trajectory, **values: Any) -> Trajectory:
    return replace(made, **values)


def test_lines_stand_at_their_wavenumbers_with_the_resolution_asked_for() -> None:
    spectrum = vibrational_spectrum(swinging(), resolution=20.0)
    np.testing.assert_allclose(peaks(spectrum), [1000, 3000], atol=3)
    assert spectrum.density.sum() * spectrum.wavenumbers[1] == pytest.approx(1)
    assert spectrum.resolution == pytest.approx(20, rel=0.01)
    high = spectrum.wavenumbers[spectrum.density > spectrum.density.max() / 2]
    near = high[np.abs(high - high[0]) < 100]
    assert np.ptp(near) == pytest.approx(20, rel=0.25)


def test_the_autocorrelation_is_what_its_definition_says() -> None:
    made = swinging(moments=200)
    draw = np.random.default_rng(1)
    made = changed(made, velocities=made.velocities + 0.001 * draw.standard_normal(made.velocities.shape))
    weighted = (made.velocities * np.sqrt(made.masses)[:, None]).reshape(200, -1)
    plain = np.array([np.mean(np.sum(weighted[: 200 - k] * weighted[k:], axis=1)) for k in range(50)])
    np.testing.assert_allclose(velocity_autocorrelation(made, 50), plain / plain[0], atol=1e-12)


def test_spectra_share_all_with_themselves_and_nothing_with_other_lines() -> None:
    one, other = vibrational_spectrum(swinging()), vibrational_spectrum(swinging((1800.0, 2400.0)))
    half = vibrational_spectrum(swinging((1000.0, 2400.0)))
    assert spectral_overlap(one, one) == pytest.approx(1)
    assert spectral_overlap(one, other) < 0.05
    assert spectral_overlap(one, half) == pytest.approx(0.5, abs=0.06)
    coarse = vibrational_spectrum(swinging(), resolution=11.0)
    assert spectral_overlap(one, coarse) > 0.9


def test_moments_that_are_too_few_or_too_far_apart_are_refused() -> None:
    made = swinging(moments=40)
    with pytest.raises(InputError, match="20 moments are too few"):
        vibrational_spectrum(made._rows(np.arange(40) < 20))
    with pytest.raises(InputError, match="up to 2085 /cm only"):
        vibrational_spectrum(changed(made, times_fs=4 * made.times_fs))


def test_a_slope_is_found_under_an_oscillation() -> None:
    made = swinging()
    clock = made.times_fs / 1000
    tilted = changed(made, potential=made.potential - 40_000 + 2 * 3e-3 * clock)  # 3 meV/atom and ps
    drift = energy_drift(tilted)
    assert drift.mev_per_atom_ps == pytest.approx(3, rel=1e-3)
    assert drift.mev_per_atom == pytest.approx(3 * clock[-1], rel=1e-3) and drift.duration_ps == pytest.approx(7.998)
    assert drift.excursion == pytest.approx(3 * clock[-1], rel=1e-2)
    assert energy_drift(made).excursion < 1e-6
    broken = changed(made, potential=np.where(clock > 2, np.nan, made.potential))
    assert energy_drift(broken).mev_per_atom == np.inf


def test_a_calm_molecule_is_stable_and_a_bond_that_breaks_is_named_with_its_time() -> None:
    made = swinging(moments=500)
    verdict = stability(made)
    assert verdict.stable and verdict.until_ps == pytest.approx(0.998) and 0.01 < verdict.longest_stretch < 0.1
    positions = made.positions.copy()
    positions[300:, 1] += 0.6
    verdict = stability(changed(made, positions=positions))
    assert not verdict.stable and verdict.until_ps == pytest.approx(0.6)
    assert verdict.reason.startswith("bond C0-H1") or verdict.reason.startswith("bond H1-C0")
    assert verdict.reason.endswith("at 600 fs")


def test_contacts_heat_and_numbers_that_are_none_end_stability() -> None:
    made = swinging(moments=100)
    near = made.positions.copy()
    near[50:, 1] = near[50:, 0] + [0.3, 0, 0]
    assert "covalent distance" in stability(changed(made, positions=near), bonds=False).reason
    assert "K were asked for" in stability(changed(made, settings={"temperature_K": 1.0})).reason
    lost = made.positions.copy()
    lost[70:] = np.nan
    assert stability(changed(made, positions=lost)).reason == "positions are not finite at 140 fs"
    assert stability(changed(made, ended="9 K at step 3")).reason == "9 K at step 3"


def gas(count: int = 400, seed: int = 0) -> Frame:
    draw = np.random.default_rng(seed)
    bare = molecule(np.where(np.arange(count) % 4, 18, 10), draw.uniform(0, 15, (count, 3)))
    return replace(bare, cell=15.0 * np.eye(3), pbc=np.ones(3, bool))


def test_an_ideal_gas_has_a_radial_distribution_of_one() -> None:
    found = radial_distribution([gas(seed=seed) for seed in range(3)], highest=7.0, bins=35)
    assert list(found.curves) == ["all", "Ne-Ne", "Ne-Ar", "Ar-Ar"] and found.periodic
    for curve in found.curves.values():
        assert curve[15:].mean() == pytest.approx(1, abs=0.03)


def test_the_radial_distribution_of_a_supercell_is_that_of_its_cell() -> None:
    frame = gas(40)
    both = np.concatenate([frame.positions, frame.positions + frame.cell[0]])
    double = replace(
        frame, numbers=np.tile(frame.numbers, 2), positions=both, cell=frame.cell * np.array([[2.0], [1], [1]])
    )
    one, other = (radial_distribution([each], highest=9.0) for each in (frame, double))
    assert max(radial_error(one, other).values()) < 1e-9


def test_distances_of_a_molecule_have_area_one_and_lie_where_they_are() -> None:
    water = molecule(np.array([8, 1, 1]), np.array([[0.0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]]))
    found = radial_distribution([water], bins=100)
    width = found.distances[1] - found.distances[0]
    assert list(found.curves) == ["all", "H-H", "H-O"] and not found.periodic
    for curve in found.curves.values():
        assert curve.sum() * width == pytest.approx(1)
    assert found.distances[found.curves["H-O"].argmax()] == pytest.approx(0.96, abs=width)
    moved = replace(water, positions=water.positions * 1.2)
    assert radial_error(
        radial_distribution([water], 2.5), radial_distribution([moved], 2.5)
    )["H-H"] == pytest.approx(2)  # fmt: skip


def test_frames_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(InputError, match="same atoms"):
        radial_distribution([gas(8), gas(9)])
    with pytest.raises(InputError, match="no frames"):
        radial_distribution([])
    with pytest.raises(InputError, match="same `highest`"):
        radial_error(radial_distribution([gas(8)], 4.0), radial_distribution([gas(8)], 5.0))


def test_a_trajectory_is_like_another_of_its_kind_and_unlike_a_different_one() -> None:
    one, same, other = swinging(seed=0), swinging(seed=1), swinging((1500.0, 2000.0))
    near, far = likeness(one, same), likeness(one, other)
    assert near.spectral_overlap > 0.9 > 0.3 > far.spectral_overlap
    assert near.radial_error["all"] < 0.2 and list(near.radial_error)[0] == "all"
    assert near.temperatures[0] == pytest.approx(near.temperatures[1], rel=0.05)
    assert near.spectra[0].resolution == pytest.approx(near.spectra[1].resolution)
