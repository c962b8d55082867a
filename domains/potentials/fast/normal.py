"""Ridge regression over columns, for more frames than fit in memory: sums of squares are built frame by frame."""

from collections.abc import Sequence

import numpy as np
import torch
from scipy.linalg import cho_solve, solve_triangular
from torch import Tensor

from .design import Rows
from .solve import Prior, add_products, factored


class NormalEquations:
    """Sums of products of columns over the frames that were added.

    columns  of each block
    scales   of each block, as `block_scales` gives them
    prior    whose noises weigh the kinds of rows
    """

    def __init__(self, columns: Sequence[int], scales: Sequence[float], prior: Prior) -> None:
        self.columns, self.scales, self.prior = list(columns), list(scales), prior
        lower = torch.zeros(sum(columns), sum(columns), dtype=torch.float64)
        self._lower, self._upper = lower, lower.numpy().T  # the same numbers; the other triangle is for factors
        self.right = torch.zeros(sum(columns), dtype=torch.float64)
        self.squares, self.count = 0.0, 0
        self._waiting: list[tuple[Tensor, Tensor]] = []

    def add(self, rows: Rows) -> None:
        """Add a frame."""
        factor = np.array([self.prior.quiet[0], 1.0, self.prior.quiet[1]])[rows.kinds] ** -0.5
        wide = [block / scale for block, scale in zip(rows.blocks, self.scales, strict=True)]
        self._waiting.append(
            (torch.from_numpy(np.concatenate(wide, 1) * factor[:, None]), torch.from_numpy(rows.labels * factor))
        )
        if sum(len(one) for _, one in self._waiting) * sum(self.columns) > 30_000_000:
            self._flush()

    def _flush(self) -> None:
        if self._waiting:
            wide, labels = (torch.cat(one) for one in zip(*self._waiting, strict=True))
            add_products(self._lower, wide.T)
            self.right.add_(wide.T @ labels)
            self.squares += float(labels @ labels)
            self.count += len(labels)
            self._waiting = []

    def weights(self, noise: float, draws: int = 0, seed: int = 0, most: int | None = None) -> Tensor:
        """(1 + draws, columns): the mean for this noise, then draws from the posterior around it.

        most  left alone: a system over columns costs the same for fewer equations
        """
        self._flush()
        widths = [np.full(count, share) for count, share in zip(self.columns, self.prior.shares, strict=True)]
        diagonal = self._upper.diagonal().copy()
        factor = factored(self._upper, diagonal, noise / np.concatenate(widths))
        mean = cho_solve((factor, True), self.right.numpy(), check_finite=False)
        tossed = np.random.default_rng(seed).standard_normal((len(mean), draws))
        away = solve_triangular(factor, tossed, trans=1, lower=True, check_finite=False) if draws else tossed
        self._upper[np.diag_indices(len(diagonal))] = diagonal
        # the noise that fits the labels, in their units
        spread = max((self.squares - float(mean @ self.right.numpy())) / self.count, 0.0) ** 0.5
        every = torch.from_numpy(np.concatenate([mean[None], mean + spread * away.T]))
        return every / torch.cat(
            [torch.full((count,), scale) for count, scale in zip(self.columns, self.scales, strict=True)]
        )
