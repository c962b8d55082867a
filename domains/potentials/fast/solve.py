"""Ridge regression of rows, in the form that is smaller: over equations or over columns.

A prior says how large each block's share of the forces may be; it is the Gaussian process whose kernel is the weighted
sum of the linear kernels of the blocks (Rasmussen & Williams 2006, section 2.1), energies and forces together.
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ....shared.errors import InputError

Floats = NDArray[np.float64]
BLOCK = 1000  # rows that are multiplied or copied at once
JITTERS = 0.0, 1e-13, 1e-12, 1e-11, 1e-10, 1e-9  # of the mean of the diagonal, tried in turn
ALIKE = "the frames give the same equations over and over: they are all alike, or far too few."


@dataclass(frozen=True)
class Prior:
    """What is believed before data, in units of the mean square of force components.

    shares  of atoms (eV² for each), of two-, three- and four-body terms, of three- and four-body terms that vary with
            coordination, and of a whole molecule, in the variance of a force component
    noise   variance of what is not explained of a force component
    quiet   noise of energies (eV²), and of strain derivatives, over that of force components
    """

    shares: tuple[float, ...] = (100.0, 1.0, 0.1, 0.03, 0.1, 0.01, 0.1)
    noise: float = 1e-5
    quiet: tuple[float, float] = (0.1, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class LeftOut:
    """Errors on frames that were left out one at a time, exactly."""

    energy: float  # mean absolute, of a frame
    force: float  # mean absolute, of a component
    errors: list[Floats]  # of each frame, labels minus predictions
    spreads: list[Floats]  # of each frame, (atom,) root of the posterior variance of an atom's force, frame left out;
    # where draws were asked for, as so many draws tell it


class Equations:
    """Rows of many frames, few enough that their products with each other fit in memory.

    blocks  (equations, columns) each
    labels  (equations,)
    kinds   (equations,) 0 energy, 1 force, 2 strain
    ends    of the frames' equations
    """

    def __init__(self, blocks: Sequence[Floats], labels: Floats, kinds: NDArray[np.int8], ends: Sequence[int]) -> None:
        self.blocks = [torch.from_numpy(one) for one in blocks]
        self.labels, self.kinds, self.ends = torch.from_numpy(labels), torch.from_numpy(kinds), list(ends)
        self.scales = block_scales(self.blocks, self.kinds)
        self.grams = [_products(one, scale**-2) for one, scale in zip(self.blocks, self.scales, strict=True)]

    def extended(self, block: Floats) -> "Equations":
        """The same equations with something in the last block, which was empty."""
        made = copy(self)
        last = torch.from_numpy(block)
        scale = block_scales([last[:, :0], last], self.kinds)[1]
        made.blocks, made.scales = [*self.blocks[:-1], last], [*self.scales[:-1], scale]
        made.grams = [*self.grams[:-1], _products(last, scale**-2)]
        return made

    def first(self, frames: int) -> "Equations":
        """Those of the first frames."""
        count, made = self.ends[frames - 1], copy(self)
        made.blocks, made.grams = [one[:count] for one in self.blocks], [one[:count, :count] for one in self.grams]
        made.labels, made.kinds, made.ends = self.labels[:count], self.kinds[:count], self.ends[:frames]
        return made

    def relabelled(self, labels: Tensor) -> "Equations":
        """The same with other labels."""
        made = copy(self)
        made.labels = labels
        return made

    def said(self, weights: Tensor) -> Tensor:
        """(equations,) what weights of all columns come to."""
        parts = torch.split(weights, [one.shape[1] for one in self.blocks])
        return sum((one @ part for one, part in zip(self.blocks, parts, strict=True)), torch.zeros(()))

    def noises(self, prior: Prior) -> Tensor:
        """Variance of each equation's noise."""
        factor = torch.tensor([prior.quiet[0], 1.0, prior.quiet[1]], dtype=torch.float64)
        noises: Tensor = prior.noise * factor[self.kinds.long()]
        return noises

    def factor(self, prior: Prior) -> Tensor:
        """Of the covariance of the equations, under the prior and the noise."""
        covariance = torch.zeros_like(self.grams[0])
        for share, gram in zip(prior.shares, self.grams, strict=True):
            covariance.add_(gram, alpha=share)
        return factored(covariance, covariance.diagonal().clone(), self.noises(prior))

    def left_out(self, prior: Prior, draws: int = 0) -> LeftOut:
        """Leave every frame out once, without fitting again (Rasmussen & Williams 2006, eq. 5.12).

        draws  from the posterior by which spreads are told, as the answer's own will be; 0: exact
        """
        inverse = torch.cholesky_inverse(self.factor(prior), upper=True)
        dual = inverse @ self.labels
        return of_inverse(
            inverse.numpy(),
            dual.numpy(),
            self.labels.numpy(),
            self.kinds.numpy(),
            self.noises(prior).numpy(),
            self.ends,
            draws,
        )

    def weights(self, prior: Prior, draws: int = 0, seed: int = 0) -> Tensor:
        """(1 + draws, columns of all blocks): the mean, then draws from the posterior (Matheron's rule).

        Draws are scaled so that noise and prior are in the units of the labels, with the noise that fits them.
        """
        factor = self.factor(prior)
        fitted = solved(factor, self.labels[:, None])[:, 0]
        spread = float(self.labels @ fitted / len(self.labels)) ** 0.5
        maker = torch.Generator().manual_seed(seed)

        def noise(count: int) -> Tensor:
            tossed: Tensor = torch.randn(count, draws, generator=maker, dtype=torch.float64) * spread
            return tossed

        deviations = [share**0.5 / scale for share, scale in zip(prior.shares, self.scales, strict=True)]
        first = [noise(one.shape[1]) * width for one, width in zip(self.blocks, deviations, strict=True)]
        said = sum((one @ start for one, start in zip(self.blocks, first, strict=True)), torch.zeros(()))
        wanted = self.labels[:, None] - said - noise(len(self.labels)) * self.noises(prior).sqrt()[:, None]
        dual = solved(factor, torch.cat([self.labels[:, None], wanted], 1))
        made = []
        for one, start, width in zip(self.blocks, first, deviations, strict=True):
            update = (one.T @ dual) * width**2
            update[:, 1:] += start
            made.append(update)
        return torch.cat(made).T.contiguous()


def of_inverse(
    inverse: Floats,
    dual: Floats,
    labels: Floats,
    kinds: NDArray[np.int8],
    noises: Floats,
    ends: Sequence[int],
    draws: int = 0,
) -> LeftOut:
    """Every frame left out once, without fitting again (Rasmussen & Williams 2006, eq. 5.12).

    inverse  (equations, equations) of products plus noises
    dual     (equations,) that inverse times the labels
    ends     of the frames' equations
    draws    as for `spread_of`
    """
    scale = float(labels @ dual) / len(labels)
    maker = np.random.default_rng(0)
    errors, spreads = [], []
    for start, end in zip([0, *ends[:-1]], ends, strict=True):
        own = np.linalg.inv(inverse[start:end, start:end])
        errors.append(own @ dual[start:end])
        covariance = np.asarray(scale * (own - np.diag(noises[start:end])), np.float64)
        spreads.append(spread_of(covariance, kinds[start:end], draws, maker))
    return summed(errors, spreads, kinds)


def spread_of(covariance: Floats, kinds: NDArray[np.int8], draws: int, maker: np.random.Generator) -> Floats:
    """Root mean square distance of an atom's force from its mean, (atom,).

    covariance  (equations, equations) of what is said of a frame, of these kinds
    draws       so many are made, and their distance is found: that is less sure than the exact one, as an answer's own
                doubt is, and a radius that is to hold must be calibrated on what it will be made of. 0: exact
    maker       of the draws; it goes on from frame to frame, else all would share one chance
    """
    forces = kinds == 1
    if not draws:
        return np.asarray(np.sqrt(np.maximum(covariance.diagonal()[forces], 0).reshape(-1, 3).sum(1)))
    some = covariance[np.ix_(forces, forces)]
    values, vectors = np.linalg.eigh((some + some.T) / 2)
    drawn = (vectors * np.sqrt(np.maximum(values, 0))) @ maker.standard_normal((len(values), draws))
    return np.asarray(np.sqrt((drawn.reshape(-1, 3, draws) ** 2).sum(1).mean(1)))


def summed(errors: list[Floats], spreads: list[Floats], kinds: NDArray[np.int8]) -> LeftOut:
    """Errors of each frame's equations, left out, with the spreads of its forces; kinds of all in a row."""
    joined = np.concatenate(errors)
    energy, force = (float(np.abs(joined[kinds == kind]).mean()) for kind in (0, 1))
    return LeftOut(energy, force, errors, spreads)


def _products(block: Tensor, factor: float) -> Tensor:
    """Products of all rows with each other, times a factor."""
    lower = torch.zeros(len(block), len(block), dtype=torch.float64)
    if block.shape[1]:
        add_products(lower, block)
    lower = lower.tril()
    return factor * (lower + lower.tril(-1).T)


def block_scales(blocks: Sequence[Tensor], kinds: Tensor) -> list[float]:
    """Root mean square over force rows of the length of each block's row; 1 for atoms, which feel no force."""
    return [1.0, *(float(one[kinds == 1].square().sum(1).mean().sqrt()) or 1.0 for one in blocks[1:])]


def add_products(lower: Tensor, rows: Tensor, factor: float = 1.0) -> None:
    """Add products of all rows (count, many) with each other, times a factor, to the lower triangle, in place.

    Panel by panel: matrix products use a processor better than BLAS's own routine for one triangle does.
    """
    for start in range(0, len(rows), BLOCK):
        end = min(start + BLOCK, len(rows))
        lower[start:end, :end].addmm_(rows[start:end], rows[:end].T, alpha=factor)


def factored(products: Tensor, diagonal: Tensor, noises: Tensor) -> Tensor:
    """Cholesky factor U of products plus noises, A = UᵀU, in place: in the upper triangle, and the lower one stays.

    products  (count, count), of which the lower triangle is read
    diagonal  (count,) of the products; in their place U's is left
    A little is added to the diagonal where rounding leaves the system indefinite. Panel by panel, since LAPACK's own
    routine needs a second matrix in torch, and in threaded OpenBLAS it crashed on large ones.
    """
    for jitter in JITTERS:
        added = diagonal + noises + jitter * diagonal.mean()
        if _factor(products, added):
            return products
    raise InputError(ALIKE)


def _factor(products: Tensor, diagonal: Tensor) -> bool:
    """One attempt; whether the matrix was positive definite."""
    for start in range(0, len(products), BLOCK):
        end = min(start + BLOCK, len(products))
        block = products[start:end, start:end].tril(-1)
        products[start:end, end:] = products[end:, start:end].T
        panel = products[start:end, start:]
        own = block + block.T + diagonal[start:end].diag()
        if start:
            above = products[:start, start:]
            own -= above[:, : end - start].T @ above[:, : end - start]
            panel[:, end - start :].addmm_(above[:, : end - start].T, above[:, end - start :], alpha=-1)
        found: tuple[Tensor, Tensor] = torch.linalg.cholesky_ex(own, upper=True)
        if int(found[1]):
            return False
        upper = found[0]
        products[start:end, start:end] = upper.triu() + block
        panel[:, end - start :] = torch.linalg.solve_triangular(upper.T, panel[:, end - start :], upper=False)
    return True


def solved(factor: Tensor, right: Tensor) -> Tensor:
    """(UᵀU)⁻¹ times (count, many), from what `factored` left."""
    half: Tensor = torch.linalg.solve_triangular(factor.T, right, upper=False)
    whole: Tensor = torch.linalg.solve_triangular(factor, half, upper=True)
    return whole
