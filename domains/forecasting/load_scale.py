"""The scale on which load is regressed: its logarithm where it is a positive quantity, else load itself; standardised.

Demand answers to weather and weekday in percent of itself, and errors are judged in percent, so the logarithm is the
natural scale. A net load that comes near zero or goes below has none.
"""

from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
LOWEST = 0.1  # least value over median for which a logarithm is taken


@dataclass(frozen=True)
class LoadScale:
    """Between load in its unit and standardised (log) load."""

    logarithmic: bool
    floor: float  # values below it count as this when a logarithm is taken; in the unit of the load
    mean: float
    scale: float

    @classmethod
    def fit(cls, values: Floats) -> Self:
        """Learn from training rows (time,)."""
        middle = float(np.median(values))
        logarithmic = middle > 0 and float(values.min()) > LOWEST * middle
        floor = 0.5 * LOWEST * middle if logarithmic else 0.0
        known = np.log(values) if logarithmic else values
        return cls(logarithmic, floor, float(known.mean()), float(known.std()) if np.ptp(known) > 0 else 1.0)

    def encode(self, values: Floats) -> Floats:
        """Unit of the load -> standardised; an outage in a positive load counts as the floor, so it stays finite."""
        known = np.log(np.maximum(values, self.floor)) if self.logarithmic else values
        return np.asarray((known - self.mean) / self.scale)

    def decode(self, values: Floats) -> Floats:
        """Standardised -> unit of the load."""
        known = values * self.scale + self.mean
        return np.asarray(np.exp(known) if self.logarithmic else known)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for config.json; `LoadScale(**plain)` is the inverse."""
        return asdict(self)
