"""Ridge regression over columns, for more frames than fit in memory: sums of squares are built frame by frame."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .design import Rows
from .solve import BLOCK, Floats, LeftOut, Prior, add_products, factored, solved, spread_of, summed

KEPT = 2e12  # operations, about, that leaving frames out may take: it bounds the rows that are kept for it
HELD = 500_000_000  # numbers, at most, in these rows, and in those of energies
GROUP = 10  # frames whose leverages are found at once


class NormalEquations:
    """Sums of products of columns over the frames that were added.

    Rows are rounded to single precision, as `DualEquations` does, and those of the first frames are kept: these can be
    left out afterwards. Rows of energies are kept apart, so that they can be weighed again; of very many frames they
    are not, and keep the weight that they had.

    columns  of each block
    scales   of each block, as `block_scales` gives them
    prior    whose shares are those of every answer; an answer's own prior says its noise, and that of its energies
    keep     whether frames are to be left out afterwards
    """

    def __init__(self, columns: Sequence[int], scales: Sequence[float], prior: Prior, keep: bool = True) -> None:
        self.columns, self.scales, self.prior = list(columns), list(scales), prior
        self._lower = torch.zeros(sum(columns), sum(columns), dtype=torch.float64)  # the upper triangle is for factors
        self.right = torch.zeros(sum(columns), dtype=torch.float64)
        self.squares, self.count = 0.0, 0
        self._waiting: list[tuple[Tensor, Tensor]] = []
        self._kept: list[_Kept] = []
        self._quiet = prior.quiet[0]  # with which energies stand in the sums
        self._energies: list[tuple[NDArray[np.float32], Floats]] | None = []
        self._keep, self._room = keep, min(HELD / sum(columns), KEPT / sum(columns) ** 2)  # for equations that are kept

    def add(self, rows: Rows) -> None:
        """Add a frame."""
        scaled = [block / scale for block, scale in zip(rows.blocks, self.scales, strict=True)]
        wide = np.concatenate(scaled, 1).astype(np.float32)
        self._room -= len(wide)
        if self._keep and (self._room >= 0 or len(self._kept) < 2):
            self._kept.append(_Kept(wide, rows.labels, rows.kinds))
        if self._energies is not None:
            self._energies.append((wide[rows.kinds == 0], rows.labels[rows.kinds == 0]))
            if len(self._energies) * sum(self.columns) > HELD:
                self._energies = None
        factor = self._factors(rows.kinds)
        self._waiting.append((torch.from_numpy(wide * factor[:, None]), torch.from_numpy(rows.labels * factor)))
        if sum(len(one) for _, one in self._waiting) * sum(self.columns) > 30_000_000:
            self._flush()

    def _factors(self, kinds: NDArray[np.int8]) -> Floats:
        """Root of the weight of each row."""
        factors: Floats = np.array([self._quiet, 1.0, self.prior.quiet[1]])[kinds] ** -0.5
        return factors

    def _reweigh(self, quiet: float) -> None:
        """Let energies stand in the sums with this noise over that of forces."""
        self._flush()
        if self._energies is None or quiet == self._quiet:
            return
        change = 1 / quiet - 1 / self._quiet
        self._quiet = quiet
        for start in range(0, len(self._energies), BLOCK):
            rows, labels = zip(*self._energies[start : start + BLOCK], strict=True)
            wide, right = torch.from_numpy(np.concatenate(rows)).double(), torch.from_numpy(np.concatenate(labels))
            add_products(self._lower, wide.T, change)
            self.right.add_(wide.T @ right, alpha=change)
            self.squares += change * float(right @ right)

    def _flush(self) -> None:
        if self._waiting:
            wide, labels = (torch.cat(one) for one in zip(*self._waiting, strict=True))
            add_products(self._lower, wide.T)
            self.right.add_(wide.T @ labels)
            self.squares += float(labels @ labels)
            self.count += len(labels)
            self._waiting = []

    def weights(self, prior: Prior, draws: int = 0, seed: int = 0, most: int | None = None) -> Tensor:
        """(1 + draws, columns): the mean for the noises of a prior, then draws from the posterior around it.

        most  left alone: a system over columns costs the same for fewer equations
        """
        factor, mean = self._solved(prior)
        tossed = torch.from_numpy(np.random.default_rng(seed).standard_normal((len(mean), draws)))
        away = torch.linalg.solve_triangular(factor, tossed, upper=True)
        self._unfactored()
        every = torch.cat([mean[None], mean + self._spread(mean) * away.T])
        return every / torch.tensor(self.scales, dtype=torch.float64).repeat_interleave(torch.tensor(self.columns))

    def left_out(self, prior: Prior, most: int | None = None, draws: int = 0) -> LeftOut:
        """Errors on each frame that was kept, in the order of adding, by a fit to all others: exact, by its leverage.

        Allen 1974 (PRESS, doi:10.1080/00401706.1974.10489157), a frame at a time.

        most   left alone, as for `weights`
        draws  by which spreads are told, as for `Equations.left_out`
        """
        factor, mean = self._solved(prior)
        spread = self._spread(mean)
        errors, spreads, maker = [], [], np.random.default_rng(0)
        for start in range(0, len(self._kept), GROUP):
            group = self._kept[start : start + GROUP]
            weights = [self._factors(one.kinds) for one in group]
            wide = [one.wide * weight[:, None] for one, weight in zip(group, weights, strict=True)]
            stacked = torch.from_numpy(np.concatenate(wide))
            away = torch.linalg.solve_triangular(factor.T, stacked.T, upper=False)
            labels = [one.labels * weight for one, weight in zip(group, weights, strict=True)]
            rest = np.concatenate(labels) - (stacked @ mean).numpy()
            ends = np.cumsum([0, *(len(one.labels) for one in group)])
            for one, weight, begin, end in zip(group, weights, ends[:-1], ends[1:], strict=True):
                products = (away[:, begin:end].T @ away[:, begin:end]).numpy()
                own = np.linalg.inv(np.eye(end - begin) - products)
                errors.append(own @ rest[begin:end] / weight)
                each = spread / weight
                covariance = (own - np.eye(end - begin)) * np.outer(each, each)
                spreads.append(spread_of(covariance, one.kinds, draws, maker))
        self._unfactored()
        return summed(errors, spreads, np.concatenate([one.kinds for one in self._kept]))

    def forget_last(self) -> None:
        """Go on as if the last block had never been."""
        self._flush()
        kept = sum(self.columns[:-1])
        self.columns[-1] = 0
        self._lower, self.right = self._lower[:kept, :kept], self.right[:kept]
        if self._energies is not None:
            self._energies = [(wide[:, :kept], labels) for wide, labels in self._energies]
        self._kept = [one._replace(wide=one.wide[:, :kept]) for one in self._kept]

    def _solved(self, prior: Prior) -> tuple[Tensor, Tensor]:
        """The factor for the noises of this prior, in the upper triangle, and the mean of the scaled weights."""
        self._reweigh(prior.quiet[0])
        widths = torch.tensor(self.prior.shares, dtype=torch.float64).repeat_interleave(torch.tensor(self.columns))
        self._diagonal = self._lower.diagonal().clone()
        factor = factored(self._lower, self._diagonal, prior.noise / widths)
        return factor, solved(factor, self.right[:, None])[:, 0]

    def _unfactored(self) -> None:
        self._lower.diagonal().copy_(self._diagonal)

    def _spread(self, mean: Tensor) -> float:
        """Root of the noise of force components that fits the labels, in their units."""
        spread: float = max((self.squares - float(mean @ self.right)) / self.count, 0.0) ** 0.5
        return spread


class _Kept(NamedTuple):
    """A frame's rows, scaled."""

    wide: NDArray[np.float32]
    labels: Floats
    kinds: NDArray[np.int8]
