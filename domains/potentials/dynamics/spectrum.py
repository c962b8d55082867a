"""Vibrations of a trajectory: the power spectrum of its velocities."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ....shared.errors import InputError
from .trajectory import Trajectory

Floats = NDArray[np.float64]
LIGHT_CM_PER_FS = 2.99792458e-5
LEAST_MOMENTS = 32


class Spectrum(NamedTuple):
    """A vibrational density of states."""

    wavenumbers: Floats  # (line,) in 1/cm, evenly spaced from 0
    density: Floats  # (line,) in cm, with area 1
    resolution: float  # 1/cm, width of a line at half its height


def velocity_autocorrelation(trajectory: Trajectory, lags: int) -> Floats:
    """Of mass-weighted velocities, summed over atoms, by the Wiener-Khinchin theorem; (lag,), 1 at lag 0.

    C(k) = sum over atoms and times of m v(t) v(t + k), divided by how many times were summed.
    """
    moments = len(trajectory)
    weighted = trajectory.velocities * np.sqrt(trajectory.masses)[:, None]
    flat = weighted.reshape(moments, -1)
    padded = np.fft.rfft(flat, 2 * moments, axis=0)
    found = np.fft.irfft((np.abs(padded) ** 2).sum(1))[:lags] / (moments - np.arange(lags))
    return np.asarray(found / found[0])


def vibrational_spectrum(trajectory: Trajectory, resolution: float = 10.0, highest: float = 4500.0) -> Spectrum:
    """Cosine transform of the velocity autocorrelation under a Hann window (Blackman & Tukey 1958).

    resolution  1/cm, aimed at: the width of a line is 1 / (c longest lag), and lags reach half the trajectory at most
    highest     1/cm to which the spectrum is given, and normalised to area 1

    Modes of the lightest atoms reach 3800 /cm, so moments must be 4 fs apart or closer. Velocity Verlet moves a line up
    by (2 pi c nu dt)² / 24 of itself: 0.3 % for 3000 /cm at 0.5 fs. A thermostat widens lines by its friction.
    Raises InputError for a trajectory that is too short or too coarse.
    """
    moments = len(trajectory)
    if moments < LEAST_MOMENTS:
        raise InputError(f"{moments} moments are too few for a spectrum; keep at least {LEAST_MOMENTS}.")
    gap = float(trajectory.times_fs[1] - trajectory.times_fs[0])
    nyquist = 1 / (2 * gap * LIGHT_CM_PER_FS)
    if nyquist < highest:
        raise InputError(
            f"moments every {gap:g} fs show waves up to {nyquist:.0f} /cm only, and {highest:.0f} were asked for; "
            f"keep moments more often (every={max(1, int(1 / (2 * highest * LIGHT_CM_PER_FS)))} fs or less)."
        )
    lags = min(moments // 2, max(16, round(1 / (LIGHT_CM_PER_FS * resolution * gap))))
    window = np.cos(0.5 * np.pi * np.arange(lags) / lags) ** 2
    windowed = velocity_autocorrelation(trajectory, lags) * window
    size = 1 << (8 * lags - 1).bit_length()  # zeros behind draw the line smoothly
    power = 2 * np.fft.rfft(windowed, size).real - windowed[0]  # even in the lag
    wavenumbers = np.arange(len(power)) / (size * gap * LIGHT_CM_PER_FS)
    shown = wavenumbers <= highest
    wavenumbers, power = wavenumbers[shown], np.clip(power[shown], 0, None)
    area = float(power.sum() * wavenumbers[1])
    return Spectrum(wavenumbers, power / area if area > 0 else power, 1 / (LIGHT_CM_PER_FS * lags * gap))


def peaks(spectrum: Spectrum, share: float = 0.05) -> Floats:
    """Wavenumbers of the maxima that reach `share` of the highest, in 1/cm."""
    density = spectrum.density
    inner = (density[1:-1] > density[:-2]) & (density[1:-1] >= density[2:]) & (density[1:-1] > share * density.max())
    return np.asarray(spectrum.wavenumbers[1:-1][inner])


def spectral_overlap(one: Spectrum, other: Spectrum) -> float:
    """Area that two spectra share, from 0 to 1; they are laid on the finer of their grids."""
    step = min(one.wavenumbers[1], other.wavenumbers[1])
    grid = np.arange(0, min(one.wavenumbers[-1], other.wavenumbers[-1]), step)
    laid = [np.interp(grid, each.wavenumbers, each.density) for each in (one, other)]
    areas = [float(each.sum() * step) or 1.0 for each in laid]
    return float(np.minimum(laid[0] / areas[0], laid[1] / areas[1]).sum() * step)
