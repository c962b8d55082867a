"""The smooth end of whatever has a cutoff."""

from torch import Tensor


def envelope(x: Tensor, power: int) -> Tensor:
    """1 at 0, 0 from 1 on, two derivatives vanish there (Gasteiger et al. 2020, arXiv:2003.03123, eq. 8); x >= 0."""
    x, p = x.clamp_max(1), power
    return 1 - (p + 1) * (p + 2) / 2 * x**p + p * (p + 2) * x ** (p + 1) - p * (p + 1) / 2 * x ** (p + 2)
