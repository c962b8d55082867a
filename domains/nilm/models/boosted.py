"""Boosted trees that say whether an appliance runs, times the share of the mains above their quiet level that it takes.

A first pass looks at the mains around each minute. A second one looks at the first one's answers too: around the
minute, for the other appliances, and at this level of power in the whole house. It learns from answers that the
first pass gave to months it had not seen. Both learn from real houses and from made-up ones.

What an appliance takes while it counts as off is in no sum of these. Of one that idles, further trees learn the mean
power itself, as the mean of a Poisson distribution: its logarithm is a sum of trees, and where it errs in a stranger's
house, it errs by a factor. Of washing machines left out (IDEAL 65 and either REFIT house, smaller models, seeds 0 and
1), months were off by 19 % in the mean with it, the factor taken from the other house left out; by 30 % with what is
probable times power, by 20 and 22 % with least squares of the share or of watts. Of dishwashers they were off by 15
instead of 11 %: for those it stays probability times power.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from ....shared.errors import InputError, require
from ....shared.learning.trees import Trees
from ..appliances import APPLIANCES, MINUTE, Appliance
from ..context import context
from ..enlarging import Enlargement
from ..features import features, quiet_level, steps_of, without_gaps
from ..house import Estimate, House, Watts
from ..pulses import LASTS, pulse_features
from ..recompose import Recipe
from ..split import cut

Floats = NDArray[np.float32]
CANDIDATE = 0.7  # of `on_w`: minutes that rise less above the quiet level of two hours around them are off
LOOKS = 2  # goes up whenever what the trees look at changes: columns are known by their place alone
FAINT_W = 5.0  # mean power below which nothing is expected
IDLE_W = 15.0  # truth from which every minute is learnt from where the mean is learnt
QUIET = 60  # minutes on either side, the level of which the share is taken
LEAST_QUIET = 6  # steps, where they are longer than a minute


class Looked(NamedTuple):
    """A house as the trees see it."""

    house: House
    rows: NDArray[np.int64]  # (row,) minutes in which something may run
    up_w: Floats  # (row,) W above the quiet level of two hours on either side
    above_w: Floats  # (row,) W above that of one hour, which the share divides
    inputs: Floats  # (row, input)
    pulses: Floats  # (row, input), of `pulse_features`; for appliances that heat for so long


@dataclass
class Boosted:
    """A `MainsModel`; with `copies` 0 and `passes` 1 it is the plain classifier times share."""

    copies: int = 5  # made-up houses to each real one
    days: int | None = None  # of a made-up house; None: as many as its source has
    passes: int = 2
    rounds: int = 150  # trees of a classifier; half as many of a share
    rest: int = 8_000  # at most so many minutes without the appliance, of each house, drawn at random
    recipe: Recipe = field(default_factory=Recipe)
    seed: int = 0
    simulated: int = 0  # households of the simulator that lend appliances to each made-up house, beside the real ones
    households: int = 0  # of the simulator that are learnt from as they are
    means: bool = False  # learn the mean power, too, of appliances that idle
    on_: dict[str, list[list[Trees]]] = field(init=False)  # by appliance and pass; in the first one of either half
    share_: dict[str, Trees] = field(init=False)
    mean_: dict[str, Trees] = field(init=False, default_factory=dict)  # the logarithm of W
    step_: pd.Timedelta = field(init=False)

    def fit(self, houses: Sequence[House], appliances: Sequence[Appliance]) -> Self:
        """Learn from every house that has an appliance; raises InputError when none has."""
        require("lightgbm", "nilm")
        self.step_ = houses[0].step
        appliances = [self._rule(one.name) for one in appliances]
        for one in appliances:
            if not any(_runs(house, one) for house in houses):
                raise InputError(f"no house of training has a {one.title} that ever runs; leave it out.")
        appliances = sorted(appliances, key=lambda one: list(APPLIANCES).index(one.name))  # as `from_arrays` finds them
        least = min(one.on_w for one in appliances)
        halves = [
            [look(house, least) for house in self._with_copies(half, place)]
            for place, half in enumerate(cut(houses, 0.5))
        ]
        first = {one.name: [self._classifier(half, one, None) for half in halves] for one in appliances}
        self.on_, extra = {name: [trees] for name, trees in first.items()}, None
        everything = [looked for half in halves for looked in half]
        if self.passes == 2:
            # each half is answered by the trees of the other, as a new house will be
            extra = [
                self._answered([first[one.name][1 - place].predict for one in appliances], looked, appliances)
                for place, half in enumerate(halves)
                for looked in half
            ]
            for one in appliances:
                self.on_[one.name].append([self._classifier(everything, one, extra)])
        self.share_ = {one.name: self._share(everything, one, extra) for one in appliances}
        learnt = [one for one in appliances if self.means and one.idles]
        self.mean_ = {one.name: self._mean_power(everything, one, extra) for one in learnt}
        return self

    def predict(self, house: House) -> dict[str, Estimate]:
        """Estimates by appliance; the probability is that of the last pass, the power the share if it does run."""
        return self.answer(self.look(house))

    def look(self, house: House) -> Looked:
        """What `answer` needs of a house; the same for models of the same appliances."""
        return look(house, min(self._rule(name).on_w for name in self.on_))

    def answer(self, looked: Looked) -> dict[str, Estimate]:
        """Estimates for a house that was looked at."""
        known, real = [self._rule(name) for name in self.on_], np.isfinite(looked.house.mains_w)
        inputs = _all_inputs(looked, None)
        said = {one.name: _mean(self.on_[one.name][0], inputs, _may(looked, one)) for one in known}
        if self.passes == 2:
            inputs = _all_inputs(looked, _context(looked, list(said.values())))
            said = {name: _mean(self.on_[name][1], inputs, _may(looked, self._rule(name))) for name in self.share_}
        found = {}
        for one in (self._rule(name) for name in self.share_):
            may = np.flatnonzero(_may(looked, one) & (said[one.name] > 0.01))
            watts, on = (np.where(real, np.float32(0), np.float32(np.nan)) for _ in range(2))
            share = np.clip(self.share_[one.name].predict(inputs[may]), 0, 1.2)
            watts[looked.rows[may]] = share * looked.above_w[may]
            on[looked.rows] = said[one.name]
            found[one.name] = Estimate(watts, on, self._mean_of(one.name, looked, inputs))
        return found

    def only(self, names: Sequence[str]) -> Self:
        """The part that answers these appliances; the first pass over all of them stays, since the second needs it."""
        part = replace(self)
        part.step_ = self.step_
        part.on_ = {name: found if name in names else found[:1] for name, found in self.on_.items()}
        part.share_ = {name: self.share_[name] for name in names}
        part.mean_ = {name: self.mean_[name] for name in names if name in self.mean_}
        return part

    def with_those_of(self, other: "Boosted") -> Self:
        """Answer the other's appliances too; raises ValueError unless both stand on the same first pass."""
        mine, theirs = ({name: one[0] for name, one in model.on_.items()} for model in (self, other))
        if self.step_ != other.step_ or not _same(mine, theirs):
            raise ValueError("two models of boosted trees that were not fitted together cannot be joined.")
        whole = replace(self)
        whole.step_ = self.step_
        whole.on_ = {name: max(mine, other.on_[name], key=len) for name, mine in self.on_.items()}
        shares = {**self.share_, **other.share_}
        whole.share_ = {name: shares[name] for name in self.on_ if name in shares}
        whole.mean_ = {**self.mean_, **other.mean_}
        return whole

    def parameters(self) -> int:
        """Splits and leaves."""
        trees = [one for passes in self.on_.values() for group in passes for one in group]
        return sum(len(one.value) for one in [*trees, *self.share_.values(), *self.mean_.values()])

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The trees, by appliance."""
        found: dict[str, NDArray[Any]] = {"seed": np.array([self.seed, self.passes, self.step_.value, LOOKS])}
        for name, passes in self.on_.items():
            for at, group in enumerate(passes):
                for half, trees in enumerate(group):
                    found |= trees.to_small_arrays(f"{name}/on{at}{half}")
        for name, trees in self.share_.items():
            found |= trees.to_small_arrays(f"{name}/share")
        for name, trees in self.mean_.items():
            found |= trees.to_small_arrays(f"{name}/mean")
        return found

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `to_arrays`; raises ValueError for trees of a version that looked at something else."""
        seed, passes, *more = (int(one) for one in arrays["seed"])
        if len(more) < 2 or more[1] != LOOKS:
            raise ValueError("boosted trees of another version, which looked at something else; fit them again")
        made = cls(seed=seed, passes=passes)
        made.step_ = pd.Timedelta(more[0], "ns")
        names = sorted({key.split("/")[0] for key in arrays if "/" in key}, key=list(APPLIANCES).index)

        def trees(name: str) -> Trees:
            return Trees.from_small_arrays(name, arrays)

        halves = (2, 1)[:passes]  # classifiers in each pass
        made.on_ = {
            name: [
                [trees(f"{name}/on{at}{half}") for half in range(count)]
                for at, count in enumerate(halves)
                if f"{name}/on{at}0.root" in arrays
            ]
            for name in names
        }
        made.share_ = {name: trees(f"{name}/share") for name in names if f"{name}/share.root" in arrays}
        made.mean_ = {name: trees(f"{name}/mean") for name in names if f"{name}/mean.root" in arrays}
        return made

    def _rule(self, name: str) -> Appliance:
        return APPLIANCES[name].at(self.step_)

    def _with_copies(self, houses: Sequence[House], place: int) -> list[House]:
        more = Enlargement(self.copies, self.days, self.simulated, self.households, self.recipe)
        return more.of(houses, [self.seed, place])

    def _answered(self, answers: Sequence[Any], looked: Looked, appliances: Sequence[Appliance]) -> Floats:
        said, inputs = [], _all_inputs(looked, None)
        for answer, one in zip(answers, appliances, strict=True):
            may, on = _may(looked, one), np.zeros(len(looked.rows), np.float32)
            on[may] = expit(answer(inputs[may]))
            said.append(on)
        return _context(looked, said)

    def _classifier(self, seen: Sequence[Looked], one: Appliance, extra: Sequence[Floats] | None) -> Trees:
        rng, parts = np.random.default_rng([self.seed, 7]), []
        for place, looked in enumerate(seen):
            if not _runs(looked.house, one):
                continue
            watts = looked.house.appliances_w[one.name][looked.rows]
            usable = np.flatnonzero(_may(looked, one) & np.isfinite(watts))
            on = watts[usable] >= one.on_w
            kept, weight = _all_and_some(on, self.rest, rng)
            parts.append((_inputs(looked, usable[kept], extra, place, one), on[kept], weight))
        if not any(on.any() for _, on, _ in parts):
            raise InputError(
                f"a half of the training, in time, has no {one.title} that shows in the mains; give longer data, or "
                "leave it out."
            )
        X, on, weight = (np.concatenate(column) for column in zip(*parts, strict=True))
        return self._trees("binary", self.rounds, 50, X, on, weight)

    def _share(self, seen: Sequence[Looked], one: Appliance, extra: Sequence[Floats] | None) -> Trees:
        parts = []
        for place, looked in enumerate(seen):
            if not _runs(looked.house, one):
                continue
            watts = looked.house.appliances_w[one.name][looked.rows]
            on = np.flatnonzero(_may(looked, one) & np.isfinite(watts) & (watts >= one.on_w))
            share = np.clip(watts[on] / np.maximum(looked.above_w[on], 1), 0, 1.3)
            parts.append((_inputs(looked, on, extra, place, one), share))
        X, share = (np.concatenate(column) for column in zip(*parts, strict=True))
        return self._trees("regression_l1", self.rounds // 2, 20, X, share, None)

    def _mean_power(self, seen: Sequence[Looked], one: Appliance, extra: Sequence[Floats] | None) -> Trees:
        rng, parts = np.random.default_rng([self.seed, 8]), []
        for place, looked in enumerate(seen):
            if not _runs(looked.house, one):
                continue
            watts = looked.house.appliances_w[one.name][looked.rows]
            known = np.flatnonzero(np.isfinite(watts))
            kept, weight = _all_and_some(watts[known] >= IDLE_W, self.rest, rng)
            rows = known[kept]
            parts.append((_inputs(looked, rows, extra, place, one), np.maximum(watts[rows], 0), weight))
        X, watts, weight = (np.concatenate(column) for column in zip(*parts, strict=True))
        return self._trees("poisson", self.rounds, 50, X, watts, weight)

    def _mean_of(self, name: str, looked: Looked, inputs: Floats) -> Watts | None:
        """Mean power, W: 0 where faint or where nothing may run, NaN without mains; None where none was learnt."""
        if name not in self.mean_:
            return None
        mean_w = np.where(np.isfinite(looked.house.mains_w), np.float32(0), np.float32(np.nan))
        found = np.exp(self.mean_[name].predict(inputs)).astype(np.float32)
        mean_w[looked.rows] = np.where(found >= FAINT_W, found, 0)
        return mean_w

    def _trees(
        self, objective: str, rounds: int, least: int, X: Floats, truth: NDArray[Any], weight: NDArray[Any] | None
    ) -> Trees:
        lightgbm = require("lightgbm", "nilm")
        settings = {
            "objective": objective, "num_leaves": 31, "learning_rate": 0.1, "min_child_samples": least, "max_bin": 63,
            "feature_fraction": 0.3, "bagging_fraction": 0.7, "bagging_freq": 1, "num_threads": 1, "seed": self.seed,
            "deterministic": True, "force_col_wise": True, "verbose": -1, "bin_construct_sample_cnt": 30_000,
        }  # fmt: skip
        return Trees.of_lightgbm(lightgbm.train(settings, lightgbm.Dataset(X, truth, weight=weight), rounds)).rounded()


def look(house: House, least_w: float) -> Looked:
    """The minutes of a house in which something of `least_w` may run, and what the mains look like there."""
    minutes = house.step / MINUTE
    mains, quiet = without_gaps(house.mains_w, minutes), steps_of(QUIET, minutes, LEAST_QUIET)
    up = mains - quiet_level(mains, 2 * quiet)
    rows = np.flatnonzero((up >= CANDIDATE * least_w) & np.isfinite(house.mains_w))
    above = (mains - quiet_level(mains, quiet))[rows]
    return Looked(house, rows, up[rows], above, features(mains, rows, minutes), pulse_features(mains, rows, minutes))


def _context(looked: Looked, said: Sequence[Floats]) -> Floats:
    house, real = looked.house, int(np.isfinite(looked.house.mains_w).sum())
    return context(said, looked.rows, looked.above_w, len(house.mains_w), real, house.per_day())


def _same(mine: Mapping[str, Sequence[Trees]], other: Mapping[str, Sequence[Trees]]) -> bool:
    """Whether classifiers by appliance are the same, bit for bit."""
    return list(mine) == list(other) and all(
        np.array_equal(a, b)
        for name in mine
        for one, two in zip(mine[name], other[name], strict=True)
        for a, b in zip(one, two, strict=True)
    )


def _runs(house: House, one: Appliance) -> bool:
    return one.name in house.appliances_w and bool((house.appliances_w[one.name] >= one.on_w).any())


def _may(looked: Looked, one: Appliance) -> NDArray[np.bool_]:
    return np.asarray(looked.up_w >= CANDIDATE * one.on_w)


def _all_and_some(
    wanted: NDArray[np.bool_], most: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Places of all that are wanted and of at most so many others, drawn at random, with weights that stand for all."""
    others = np.flatnonzero(~wanted)
    drawn = rng.choice(others, min(len(others), most), replace=False)
    kept = np.concatenate([np.flatnonzero(wanted), drawn])
    return kept, np.where(wanted[kept], 1.0, len(others) / max(len(drawn), 1))


def _inputs(
    looked: Looked, rows: NDArray[np.int64], extra: Sequence[Floats] | None, place: int, one: Appliance
) -> Floats:
    """What the trees of an appliance learn from: the first columns of `_all_inputs`, or all of them.

    What is over before a heating counts as one has no use for what surrounds heatings, and learns worse with it.
    """
    columns = [looked.inputs[rows]]
    if extra is not None:
        columns.append(extra[place][rows])
    if one.lasts_min >= LASTS:
        columns.append(looked.pulses[rows])
    return np.concatenate(columns, axis=1)


def _all_inputs(looked: Looked, extra: Floats | None) -> Floats:
    return np.concatenate([looked.inputs, *([] if extra is None else [extra]), looked.pulses], axis=1)


def _mean(trees: Sequence[Trees], inputs: Floats, may: NDArray[np.bool_]) -> Floats:
    """Mean probability of several classifiers; 0 where the appliance cannot run."""
    on = np.zeros(len(inputs), np.float32)
    some = inputs[may]
    on[may] = np.mean([expit(one.predict(some)) for one in trees], axis=0)
    return on
