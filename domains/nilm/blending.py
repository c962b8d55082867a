"""The mean of what several models say."""

from collections.abc import Mapping, Sequence

import numpy as np

from .house import Estimate


def blended(said: Sequence[Mapping[str, Estimate]]) -> dict[str, Estimate]:
    """Mean probability, and mean power weighted by it; by appliance."""
    found = {}
    for name in said[0]:
        on = np.stack([one[name].on for one in said])
        power = np.stack([one[name].power_w for one in said])
        weight = on + 1e-6
        found[name] = Estimate((power * weight).sum(0) / weight.sum(0), on.mean(0))
    return found
