"""How clean runs are spoiled before a fit: multiplicative noise and dropped points, drawn from a stated seed."""

from dataclasses import dataclass
from zlib import crc32

import numpy as np

from ....shared.errors import InputError
from ..trajectory import LEAST, Trajectory


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of the protocol (d'Ascoli et al. 2024, section 4)."""

    noise: float = 0.0  # sigma of x (1 + sigma xi), xi ~ N(0, 1)
    dropped: float = 0.0  # share of the points taken out at random; the first may be among them
    both_starts: bool = False  # fit on both runs, score on a third start
    seed: int = 0

    def __post_init__(self) -> None:
        if self.noise < 0 or not 0 <= self.dropped < 1:
            raise InputError(f"noise={self.noise} and dropped={self.dropped} must be from 0, dropped below 1.")

    @property
    def random(self) -> bool:
        """Whether anything is drawn, so that several seeds are worth it."""
        return self.noise > 0 or self.dropped > 0

    def __str__(self) -> str:
        parts = [f"{self.noise:.0%} noise" if self.noise else "clean"]
        parts += [f"{self.dropped:.0%} dropped"] if self.dropped else []
        return ", ".join(parts + (["both starts"] if self.both_starts else []))


CLEAN = Setting()
# The settings of the table: clean, half dropped, noisy, both, and two runs given.
TABLE = (CLEAN, Setting(dropped=0.5), Setting(noise=0.05), Setting(noise=0.05, dropped=0.5), Setting(both_starts=True))


def spoiled(run: Trajectory, setting: Setting) -> Trajectory:
    """The run as a fit sees it; the draw depends on the name of the run and the seed, on nothing else."""
    draw = np.random.default_rng([setting.seed, crc32(run.name.encode())])
    states = run.states * (1 + setting.noise * draw.standard_normal(run.states.shape))
    count = len(run.times)
    kept = np.sort(draw.permutation(count)[int(setting.dropped * count) :])
    if len(kept) < LEAST:
        raise InputError(f"{run.name}: {len(kept)} of {count} points are left after dropping; {LEAST} are needed.")
    return Trajectory(run.times[kept], states[kept], run.names, run.name)
