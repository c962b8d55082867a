"""Random systems as a benchmark."""

import numpy as np

from labformer.domains.symbolic.judging.drawn_systems import drawn_systems


def test_same_seed_same_systems_and_another_seed_others():
    first, again, other = drawn_systems(4, 1), drawn_systems(4, 1), drawn_systems(4, 2)
    assert [one.system for one in first] == [one.system for one in again]
    assert not {one.system for one in first} & {one.system for one in other}
    assert len({one.system for one in first}) == 4


def test_both_runs_are_real_and_differ():
    for one in drawn_systems(4, 1):
        assert len(one.runs) == 2 and np.isfinite([run.states for run in one.runs]).all()
        assert not np.allclose(one.starts[0], one.starts[1])
