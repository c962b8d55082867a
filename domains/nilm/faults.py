"""Power that no house draws: negative, or beyond what its connection carries."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...shared.errors import InputError
from ...shared.reading.grid import say_time
from ...shared.reading.table import plural

NOISE_W = 50.0  # of a meter around zero
FEW, MANY, BACKWARDS = 0.01, 0.1, 0.8  # shares of readings
CONNECTION_W = 50_000.0  # three phases of 63 A are 43 kW


def without_faults(
    power_w: NDArray[np.float64], times: pd.DatetimeIndex, name: str, where: str
) -> tuple[NDArray[np.float64], list[str]]:
    """Power of one column without negative values and bursts: -> ((row,) W, what was done).

    Down to -50 W a negative value is noise around zero and becomes 0; a few below it, and bursts over 50 kW, are
    missing. Raises InputError when they are no exception: a house that exports, a meter wired backwards, another unit.
    """
    power_w, done = power_w.copy(), []
    deep, above = power_w < -NOISE_W, power_w > CONNECTION_W
    carried = f"over {CONNECTION_W / 1000:g} kW, more than a house connection carries"
    if (share := deep.sum() / max(int(np.isfinite(power_w).sum()), 1)) > FEW:
        refuse_backwards(power_w[np.isfinite(power_w)], name, where)
        raise InputError(
            f"{where}: {share:.0%} of {name!r} lies below zero, down to {np.nanmin(power_w):,.0f} W: the house "
            f"exports, first {say_time(times[deep.argmax()])}. What it uses is hidden behind what it makes: add the "
            "metered generation to the mains, or cut the file to a part without export."
        )
    if (share := above.sum() / max(int((power_w > 0).sum()), 1)) > MANY:
        raise InputError(
            f"{where}: {share:.0%} of {name!r} where it is not zero lies {carried} (up to "
            f"{np.nanmax(power_w) / 1000:,.0f} kW); it seems to be in another unit: say which with unit= (--unit)."
        )
    for wrong, what, becomes in (
        ((power_w < 0) & ~deep, f"negative, down to -{NOISE_W:g} W, set to 0", 0.0),
        (deep, f"below -{NOISE_W:g} W taken as missing", np.nan),
        (above, f"{carried}, taken as missing", np.nan),
    ):
        if wrong.any():
            count = plural(int(wrong.sum()), "reading")
            done.append(f"{count} of {name!r} {what}, first {say_time(times[wrong.argmax()])}")
            power_w[wrong] = becomes
    return power_w, done


def refuse_backwards(values: NDArray[np.float64], name: str, where: str) -> None:
    """Raise InputError where most of these, in any unit, lie below zero."""
    if (share := (values < 0).mean()) > BACKWARDS:
        raise InputError(
            f"{where}: {share:.0%} of {name!r} lies below zero: the meter counts the other way round; change the sign "
            "of the column."
        )
