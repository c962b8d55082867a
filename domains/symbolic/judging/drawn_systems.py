"""Random systems of the transformer's generator as a benchmark: laws that nobody had in mind."""

import numpy as np

from ..proposing.generator import FIRST, LAST, GeneratorConfig, draw_examples
from ..proposing.normal_form import to_system
from .benchmark import Benchmark
from .scoring import integrate

POINTS = 200
BATCH = 40  # draws at once; about an eighth is accepted
STREAM = 71  # of the seed, so that no seed of training draws the same systems


def drawn_systems(count: int, seed: int = 0, config: GeneratorConfig = GeneratorConfig(states=4)) -> list[Benchmark]:
    """So many different systems, each with two starts from which it can be followed; the same for the same seed.

    The published distribution with up to four states, from t = 1 to t = 10, here counted from 0. A system is taken if
    its first run is one the generator accepts and a second one, from another start of N(0, I), stays bounded too.
    """
    times = np.linspace(0, LAST - FIRST, POINTS)
    found: list[Benchmark] = []
    shard = 0
    while len(found) < count:
        random = np.random.default_rng([STREAM, seed, shard])
        for one in draw_examples(random, BATCH, config)[0]:
            system = to_system(one.components)
            starts = [one.states[0], random.standard_normal(system.dimension)]
            paths = [
                integrate(system, start, times, rtol=1e-9, atol=1e-12, bound=config.limit, limit_s=1)
                for start in starts
            ]
            # a state that stands still from the start says nothing of its law
            if any(path is None or not np.ptp(path, axis=0).all() for path in paths):
                continue
            name = f"generator-{seed}-{len(found):03d}"
            found.append(Benchmark(name, system, np.stack(starts), times, "drawn at random"))
        shard += 1
    return found[:count]
