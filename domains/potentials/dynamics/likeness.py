"""How like its reference a trajectory is: spectrum, distances, temperature."""

from collections.abc import Mapping
from typing import NamedTuple

from .radial import ALL, Radial, radial_distribution, radial_error
from .spectrum import Spectrum, spectral_overlap, vibrational_spectrum
from .trajectory import Trajectory

FRAMES = 500  # of each, for distances


class Likeness(NamedTuple):
    """Of a trajectory and its reference, which moved the same atoms under the reference method."""

    spectral_overlap: float  # area shared by the two spectra, 0 to 1
    radial_error: Mapping[str, float]  # by pair of elements: mean |g - g'|, or the integral of |h - h'| of a molecule
    temperatures: tuple[float, float]  # means, K
    spectra: tuple[Spectrum, Spectrum]
    radials: tuple[Radial, Radial]


def likeness(
    trajectory: Trajectory, reference: Trajectory, resolution: float = 20.0, highest: float = 4500.0
) -> Likeness:
    """Compare two trajectories; numbers of Fu et al. 2023, section 3.

    resolution, highest  of the spectra in 1/cm; both are taken at the coarser resolution that the shorter one allows

    Two runs of the same law differ too: compare two halves of the reference to see by how much.
    """
    both = (trajectory, reference)
    coarse = max(vibrational_spectrum(one, resolution, highest).resolution for one in both)
    spectra = tuple(vibrational_spectrum(one, coarse, highest) for one in both)
    frames = [list(one.frames(max(1, len(one) // FRAMES))) for one in both]
    first = radial_distribution([*frames[0], *frames[1]])  # a range that holds both
    reach = float(first.distances[-1] + first.distances[0])
    radials = tuple(radial_distribution(one, reach) for one in frames)
    return Likeness(
        spectral_overlap(*spectra),
        dict(sorted(radial_error(*radials).items(), key=lambda pair: (pair[0] != ALL, pair[0]))),
        (float(trajectory.temperatures.mean()), float(reference.temperatures.mean())),
        (spectra[0], spectra[1]),
        (radials[0], radials[1]),
    )
