import random

import numpy as np
import torch

from labformer.shared.learning.seed import derive_seed, random_states, seeded, set_random_states


def draw() -> tuple[float, float, float]:
    return torch.rand(()).item(), np.random.normal(), random.random()  # noqa: NPY002


def test_the_same_seed_draws_the_same_and_the_caller_goes_on_undisturbed() -> None:
    states = random_states()
    undisturbed = draw(), draw()
    set_random_states(states)
    first = draw()
    with seeded(5):
        inside = draw()
    assert (first, draw()) == undisturbed
    with seeded(5):
        assert draw() == inside
    with seeded(6):
        assert not set(draw()) & set(inside)


def test_states_survive_storage_without_pickle(tmp_path) -> None:
    draw()  # leaves numpy's second normal number waiting
    torch.save(random_states(), tmp_path / "states.pt")
    expected = draw()
    set_random_states(torch.load(tmp_path / "states.pt", weights_only=True))
    assert draw() == expected


def test_derived_seeds_differ_by_seed_and_by_path() -> None:
    seeds = [derive_seed(seed, *path) for seed in range(20) for path in ((), (0,), (1,), (0, 1), (1, 0), (0, 0))]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**32 for seed in seeds)
