"""Laws of the factorial model: the path is the best there is, constant load is invisible, appliances fit the mains."""

from dataclasses import replace

import numpy as np

from labformer.domains.nilm.appliances import APPLIANCES
from labformer.domains.nilm.metrics import score
from labformer.domains.nilm.models.combinatorial import Combinatorial
from labformer.domains.nilm.models.factorial_hmm import BINS, FactorialHMM, most_probable_path
from labformer.domains.nilm.simulate import simulate

ASKED = [APPLIANCES[name] for name in ("kettle", "dishwasher", "washing_machine")]
HOUSE = simulate(42, 0)
MODEL = FactorialHMM().fit([HOUSE.rows(slice(0, 30 * 1440))], ASKED)
LATER = HOUSE.rows(slice(30 * 1440, None))


def test_the_path_is_the_best_of_all_paths() -> None:
    rng = np.random.default_rng(0)
    totals = np.array([0, 500, 1300], dtype=np.float32)
    rest = np.log(rng.dirichlet(np.ones(BINS))).astype(np.float32)
    before = np.array([[0, 1, 2], [1, 2, 0], [2, 0, 1]])
    weight = np.log(rng.dirichlet(np.ones(3), 3).T).astype(np.float32)
    above = rng.uniform(0, 2000, 7).astype(np.float32)

    def worth(path) -> float:
        likely = sum(rest[int((x - totals[state] + 4000) / 20)] for x, state in zip(above, path, strict=True))
        change = {(before[way, state], state): weight[way, state] for way in range(3) for state in range(3)}
        first = max((0 if start == 0 else -10) + change[start, path[0]] for start in range(3))
        return likely + first + sum(change[pair] for pair in zip(path, path[1:], strict=False))

    every = np.indices((3,) * 7).reshape(7, -1).T
    found = most_probable_path(above, totals, rest, before, weight)
    assert worth(tuple(found)) >= max(worth(tuple(path)) for path in every) - 1e-4


def test_a_constant_load_changes_nothing() -> None:
    more = replace(LATER, mains_w=LATER.mains_w + np.float32(128))
    for name, one in MODEL.predict(LATER).items():
        assert np.abs(one.power_w - MODEL.predict(more)[name].power_w).mean() < 1


def test_appliances_together_never_take_more_than_the_mains() -> None:
    total = sum(one.power_w for one in MODEL.predict(LATER).values())
    assert (total <= LATER.mains_w + 0.01).all()


def test_chains_find_what_single_minutes_cannot() -> None:
    nearest = Combinatorial().fit([HOUSE.rows(slice(0, 30 * 1440))], ASKED).predict(LATER)
    chained = MODEL.predict(LATER)
    for one in ASKED:
        truth = LATER.appliances_w[one.name]
        assert score(truth, chained[one.name].power_w, one).teca > score(truth, nearest[one.name].power_w, one).teca
    dishwasher = score(LATER.appliances_w["dishwasher"], chained["dishwasher"].power_w, APPLIANCES["dishwasher"])
    assert dishwasher.teca > 0.6


def test_levels_grow_from_off_and_transitions_are_probabilities() -> None:
    for name, levels in MODEL.levels_.items():
        assert levels[0] == 0
        assert (np.diff(levels) > 0).all()
        np.testing.assert_allclose(np.exp(MODEL.transitions_[name]).sum(1), 1, rtol=1e-5)
        assert (MODEL.transitions_[name].diagonal()[0] == MODEL.transitions_[name][0].max()).all()
