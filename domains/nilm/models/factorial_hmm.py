"""Factorial hidden Markov model: a chain of power levels for each appliance, seen only through their sum."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from ..appliances import Appliance
from ..features import quiet_level
from ..house import Estimate, House, Watts
from ..lessons import combinations, joint_powers, lessons, nearest_level, on_power, power_levels
from .combinatorial import estimate

Floats = NDArray[np.float32]
Numbers = NDArray[np.intp]
OTHERS = ""  # the chain of all that is not asked for
OTHERS_ON_W = 100.0
BIN_W, LOWEST_W, HIGHEST_W = 20.0, -4000.0, 12000.0
BINS = int((HIGHEST_W - LOWEST_W) / BIN_W)
BLOCK = 2**9  # steps whose likelihoods are laid out at once
PIECE = 2**24  # steps times joint states of one path; longer stretches are answered in pieces


class FactorialHMM:
    """The most probable path of all appliances together (Ghahramani & Jordan 1997; Kolter & Jaakkola 2012).

    Seen is the mains above their lowest reading of the hours around. Beside the appliances one chain stands for all
    other loads, whose levels the training houses show as well; what the chains leave, partly-on minutes and unrest, has
    the density measured in training (a smoothed histogram in place of a Gaussian). Between two steps at most one chain
    changes, the one-at-a-time condition of Kolter & Jaakkola: a year of minutes and 729 joint states take seconds, and
    the path is otherwise exact. Transitions are counted from the labelled levels, so nothing is iterated.
    """

    def __init__(self, levels: int = 2, others: int = 8) -> None:
        self.levels = levels  # at most so many powers an appliance runs at, besides off
        self.others = others  # the same for the other loads
        self.levels_: dict[str, Watts] = {}
        self.transitions_: dict[str, Floats] = {}  # (level, level) log probability of the second after the first
        self.rest_: Floats = np.zeros(BINS, dtype=np.float32)  # (bin,) log density of what no chain explains

    def fit(self, houses: Sequence[House], appliances: Sequence[Appliance]) -> Self:
        """Levels, transitions and the density of the rest; raises InputError when no house has an appliance."""
        self.levels_, self.transitions_ = {}, {}
        above = [_above_quiet(house) for house in houses]
        others, left = [one.copy() for one in above], [one.copy() for one in above]
        for appliance in appliances:
            found = lessons(houses, appliance)
            levels = power_levels(on_power(found), self.levels)
            chosen = [nearest_level(one.power_w, one.on, levels) for one in found]
            self._count(appliance.name, levels, chosen, [one.real for one in found])
            for one, level in zip(found, chosen, strict=True):
                at = next(i for i, house in enumerate(houses) if house is one.house)
                others[at] -= one.power_w
                left[at] -= levels[level]
        known = [np.isfinite(one) for one in others]
        running = [one >= OTHERS_ON_W for one in others]
        levels = power_levels(np.concatenate([one[on] for one, on in zip(others, running, strict=True)]), self.others)
        chosen = [nearest_level(one, on, levels) for one, on in zip(others, running, strict=True)]
        self._count(OTHERS, levels, chosen, known)
        seen = np.zeros(BINS)
        for above_w, level, real in zip(left, chosen, known, strict=True):
            seen += np.bincount(_bin((above_w - levels[level])[real]), minlength=BINS)
        smooth = gaussian_filter1d(seen, 2) + gaussian_filter1d(seen, 25) / 10 + seen.sum() * 1e-8 + 1e-8
        self.rest_ = np.log(smooth / smooth.sum()).astype(np.float32)
        return self

    def predict(self, house: House) -> dict[str, Estimate]:
        """Powers of the most probable path, together at most the mains above the quiet level."""
        names = sorted(self.levels_)  # one order, so that ties fall alike after loading
        levels = [self.levels_[name] for name in names]
        joint = combinations(levels)
        powers = joint_powers(levels, joint)
        before, weight = _one_at_a_time(joint, [self.transitions_[name] for name in names])
        seen, real = _above_quiet(house), np.isfinite(house.mains_w)
        chosen = np.zeros((len(seen), len(levels)), dtype=np.float32)
        piece = PIECE // len(joint)
        for part in house.stretches():
            for start in range(part.start, part.stop, piece):
                above = seen[start : min(start + piece, part.stop)]
                path = most_probable_path(above, powers.sum(1), self.rest_, before, weight)
                share = np.minimum(1, above / np.maximum(powers.sum(1)[path], 1))
                chosen[start : start + len(above)] = powers[path] * share[:, None]
        return {name: estimate(chosen[real, i], real) for i, name in enumerate(names) if name != OTHERS}

    def parameters(self) -> int:
        """Powers, transitions and the bins of the density."""
        return sum(len(self.levels_[name]) - 1 + self.transitions_[name].size for name in self.levels_) + BINS

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Levels and transitions by appliance, and the density of the rest."""
        arrays = {f"levels.{name}": one for name, one in self.levels_.items()}
        return arrays | {f"transitions.{name}": one for name, one in self.transitions_.items()} | {"rest": self.rest_}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `to_arrays`."""
        made = cls()
        found = {name: np.array(one, dtype=np.float32) for name, one in arrays.items()}
        made.rest_ = found["rest"]
        for name in (key.removeprefix("levels.") for key in found if key.startswith("levels.")):
            made.levels_[name], made.transitions_[name] = found[f"levels.{name}"], found[f"transitions.{name}"]
        return made

    def _count(self, name: str, levels: Watts, chosen: Sequence[Numbers], real: Sequence[NDArray[np.bool_]]) -> None:
        """Keep a chain: its levels, and how often each was followed by each, as if every change had been seen once."""
        counts = np.ones((len(levels), len(levels)))
        for level, known in zip(chosen, real, strict=True):
            pair = known[1:] & known[:-1]
            np.add.at(counts, (level[:-1][pair], level[1:][pair]), 1)
        self.levels_[name] = levels
        self.transitions_[name] = np.log(counts / counts.sum(1, keepdims=True)).astype(np.float32)


def most_probable_path(above: Watts, totals: Watts, rest: Floats, before: Numbers, weight: Floats) -> Numbers:
    """Viterbi over joint states that each can be reached from a few others.

    above   (time,) W, what the states and the rest add up to
    totals  (joint,) W
    rest    (bin,) log density of above - total
    before  (way, joint) the states that can lead to each; weight (way, joint) their log probability
    ->      (time,) numbers of joint states
    """
    best = np.empty((len(above) + 1, len(totals)), dtype=np.float32)
    best[0] = np.where(totals == 0, 0, -10)  # rather with all off than not
    reached = np.empty_like(weight)
    for start in range(0, len(above), BLOCK):
        likely = rest[_bin(above[start : start + BLOCK, None] - totals)]
        best[start] -= best[start].max()
        for step, here in enumerate(likely, start):
            np.take(best[step], before, out=reached, mode="clip")  # clip: without a check of each index
            reached += weight
            np.add(reached.max(0), here, out=best[step + 1])
    path = np.empty(len(above), dtype=np.intp)
    state = int(best[-1].argmax())
    for step in range(len(above) - 1, -1, -1):
        path[step] = state
        ways = before[:, state]
        state = int(ways[(best[step, ways] + weight[:, state]).argmax()])
    return path


def _one_at_a_time(joint: Numbers, transitions: Sequence[Floats]) -> tuple[Numbers, Floats]:
    """Joint states that lead to each with at most one change, and their log probability; (way, joint) both."""
    shape = tuple(len(table) for table in transitions)
    number = np.empty(shape, dtype=np.intp)
    number[tuple(joint.T)] = np.arange(len(joint))
    stay = np.stack([table.diagonal()[column] for table, column in zip(transitions, joint.T, strict=True)], axis=1)
    before, weight = [np.arange(len(joint))], [stay.sum(1)]
    for i, table in enumerate(transitions):
        for change in range(1, shape[i]):
            other = joint.copy()
            other[:, i] = (joint[:, i] + change) % shape[i]
            before.append(number[tuple(other.T)])
            weight.append(stay.sum(1) - stay[:, i] + table[other[:, i], joint[:, i]])
    return np.stack(before), np.stack(weight).astype(np.float32)


def _above_quiet(house: House) -> Watts:
    """Mains above their lowest reading of two hours on either side; (time,), NaN without a reading."""
    above = np.full(len(house.mains_w), np.nan, dtype=np.float32)
    for part in house.stretches():
        above[part] = house.mains_w[part] - quiet_level(house.mains_w[part], 120)
    return above


def _bin(rest_w: NDArray[Any]) -> Numbers:
    """Bin of the density, the outermost ones for all beyond."""
    return np.asarray((np.clip(rest_w, LOWEST_W, HIGHEST_W - 1) - LOWEST_W) / BIN_W).astype(np.intp)
