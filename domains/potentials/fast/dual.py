"""Ridge regression over equations, where columns outnumber them and rows fill most of memory."""

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from .design import Rows
from .solve import Floats, LeftOut, Prior, add_products, factored, of_inverse, solved

CHUNK = 2000  # columns that are multiplied at once


class DualEquations:
    """Rows of the frames that were added, under one prior but for its noises; as `NormalEquations` to use.

    Rows are kept in single precision: a relative change of each of 6e-8 is a slightly different basis, whose products
    are then exact; noise is larger. Products are summed, and the system solved, in double precision and in place.

    columns, scales, prior  as for `NormalEquations`
    """

    def __init__(self, columns: Sequence[int], scales: Sequence[float], prior: Prior) -> None:
        widths = [
            np.full(count, share**0.5 / scale)
            for count, share, scale in zip(columns, prior.shares, scales, strict=True)
        ]
        self.widths = np.concatenate(widths)  # of the prior of each weight
        self._last = columns[-1]
        self._rows: list[NDArray[np.float32]] = []
        self._labels: list[Floats] = []
        self._kinds: list[NDArray[np.int8]] = []
        self._products: Tensor | None = None  # lower triangle
        self._diagonal = torch.zeros(0)  # of it, which a factor may stand over

    def add(self, rows: Rows) -> None:
        """Add a frame."""
        wide = np.concatenate(rows.blocks, 1) * self.widths
        self._rows.append(wide.astype(np.float32))
        self._labels.append(rows.labels)
        self._kinds.append(rows.kinds)
        self._products = None

    def weights(self, prior: Prior, draws: int = 0, seed: int = 0, most: int | None = None) -> Tensor:
        """(1 + draws, columns): the mean for the noises of a prior, then draws from the posterior (Matheron's rule).

        most  only the first frames, up to so many equations: enough to choose the noise, at a fraction of the cost
        """
        ends = np.cumsum([len(one) for one in self._labels])
        frames = len(ends) if most is None else max(1, int(np.searchsorted(ends, most, "right")))
        count = int(ends[frames - 1])
        labels, _, noises = self._equations(prior, count)
        factor = self._factored(noises)
        fitted = _solved(factor, labels[:, None])[:, 0]
        spread = float(labels @ fitted / count) ** 0.5
        maker = np.random.default_rng(seed)
        first = maker.standard_normal((len(self.widths), draws)) * spread
        wanted = [labels[:, None]]
        if draws:
            said = np.concatenate([one @ first for one in self._rows[:frames]])
            tossed = maker.standard_normal((count, draws)) * (noises[:, None] ** 0.5 * spread)
            wanted.append(labels[:, None] - said - tossed)
        dual = _solved(factor, np.concatenate(wanted, 1))
        made = np.zeros((len(self.widths), 1 + draws))
        for start, end, one in zip([0, *ends], ends, self._rows[:frames], strict=False):
            made += one.T @ dual[start:end]
        made[:, 1:] += first
        return torch.from_numpy(np.ascontiguousarray(made.T * self.widths))

    def left_out(self, prior: Prior, most: int | None = None, draws: int = 0) -> LeftOut:
        """Errors on each frame that was added, in that order, by a fit without it: exact, for one more inverse.

        most   only among the first frames, as for `weights`
        draws  by which spreads are told, as for `Equations.left_out`
        """
        ends = np.cumsum([len(one) for one in self._labels]).tolist()
        ends = ends[: len(ends) if most is None else max(1, bisect_right(ends, most))]
        labels, kinds, noises = self._equations(prior, ends[-1])
        factor = self._factored(noises)
        dual = _solved(factor, labels[:, None])[:, 0]
        inverse = torch.cholesky_inverse(factor, upper=True).numpy()
        return of_inverse(inverse, dual, labels, kinds, noises, ends, draws)

    def forget_last(self) -> None:
        """Go on as if the last block had never been."""
        kept = len(self.widths) - self._last
        if self._products is not None:
            wide = np.concatenate([one[:, kept:] for one in self._rows]).astype(np.float64)
            add_products(self._products, torch.from_numpy(wide), -1.0)
            self._diagonal -= torch.from_numpy((wide**2).sum(1))
        self.widths, self._rows, self._last = self.widths[:kept], [one[:, :kept] for one in self._rows], 0

    def _equations(self, prior: Prior, count: int) -> tuple[Floats, NDArray[np.int8], Floats]:
        """Labels, kinds and noises of the first so many."""
        labels, kinds = np.concatenate(self._labels)[:count], np.concatenate(self._kinds)[:count]
        return labels, kinds, prior.noise * np.array([prior.quiet[0], 1.0, prior.quiet[1]])[kinds]

    def _factored(self, noises: Floats) -> Tensor:
        """Of the first equations, as many as there are noises."""
        count = len(noises)
        if self._products is None:
            self._products = self._multiplied()
            self._diagonal = self._products.diagonal().clone()
        whole = count == len(self._products)
        some = self._products if whole else self._products[:count, :count].clone()
        return factored(some, self._diagonal[:count], torch.from_numpy(noises))

    def _multiplied(self) -> Tensor:
        """Products of all rows with each other."""
        count = sum(map(len, self._rows))
        lower = torch.zeros(count, count, dtype=torch.float64)
        starts = range(0, len(self.widths), CHUNK)
        for start in tqdm(starts, desc="acorn: products", unit="chunk", disable=None, leave=False):
            wide = np.concatenate([one[:, start : start + CHUNK] for one in self._rows]).astype(np.float64)
            add_products(lower, torch.from_numpy(wide))
        return lower


def _solved(factor: Tensor, right: Floats) -> Floats:
    found: Floats = solved(factor, torch.from_numpy(right)).numpy()
    return found
