"""The mean of what several models say."""

from collections.abc import Mapping, Sequence

import numpy as np

from .expected import expected
from .house import Estimate


def blended(said: Sequence[Mapping[str, Estimate]]) -> dict[str, Estimate]:
    """Mean probability, mean power weighted by it, and the mean of what is expected; by appliance."""
    found = {}
    for name in said[0]:
        on = np.stack([one[name].on for one in said])
        power = np.stack([one[name].power_w for one in said])
        weight = on + 1e-6
        mean = None
        if any(one[name].mean_w is not None for one in said):
            mean = np.mean([expected(one[name], 1.0) for one in said], axis=0)
        found[name] = Estimate((power * weight).sum(0) / weight.sum(0), on.mean(0), mean)
    return found
