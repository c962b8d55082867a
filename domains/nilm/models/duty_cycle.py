"""The mean day of an appliance: its power by half hour, on weekdays and at weekends."""

from typing import ClassVar

import numpy as np

from ..house import House
from .constant import MeanPower, Slots

A_DAY = 48  # half hours


class DutyCycle(MeanPower):
    """Every step takes the mean of its half hour of the local day, weekends apart."""

    slots: ClassVar[int] = 2 * A_DAY

    def slot(self, house: House) -> Slots:
        """Half hour of each step, those of the weekend behind those of the week; (time,)."""
        local = house.local()
        half_hour = local.hour * 2 + local.minute // 30
        return np.asarray(half_hour + A_DAY * (local.dayofweek >= 5), dtype=np.intp)
