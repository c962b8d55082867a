"""Made-up houses from real parts: another house's habits, levels and rest of the load, with the truth known.

Two houses teach a model two kettles. Taking the submetered appliances out of the mains and putting them back in
another order, at another level and another speed, onto a changed rest, makes houses that differ as real ones do.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .draws import log_uniform
from .house import House, Watts
from .lending import Lender

MINUTES = 24 * 60  # of a day


@dataclass(frozen=True, slots=True)
class Recipe:
    """How far a made-up house may lie from the real ones; ranges of factors are drawn evenly in their logarithm."""

    rest: tuple[float, float] = (0.64, 1.57)  # level of everything that was not submetered
    second_rest: float = 0.25  # share of days to which another day's rest is added
    power: tuple[float, float] = (0.8, 1.25)  # of an appliance, the same for the whole house
    use: tuple[float, float] = (0.4, 2.0)  # how often it runs, against its own house
    shift_min: int = 90  # minutes by which a day of an appliance is moved, either way
    stretched: float = 0.4  # share of days played faster or slower
    stretch: tuple[float, float] = (0.8, 1.25)  # of a day's time
    strangers: tuple[str, ...] = ("shower",)  # what nobody overlooks in a rest, so a house without may be given one
    given: float = 0.5  # share of houses that are


def recompose(house: House, donors: Sequence[House | Lender], seed: int, recipe: Recipe = Recipe()) -> House:
    """A made-up house of the length of `house`: its rest, and each appliance from one of the donors that has it.

    donors  submetered houses, `house` among them or not, and simulated ones; one draw for each appliance, since a house
            has one of each
    Appliances of which `house` itself has no meter hide in its rest; they are neither added nor returned, but for
    the recipe's strangers.
    """
    rng = np.random.default_rng(seed)
    day, length = house.per_day(), len(house.mains_w)
    metered = [np.nan_to_num(power) for power in house.appliances_w.values()]
    rest = np.maximum(house.mains_w - np.sum(metered, axis=0), 0) if metered else house.mains_w.copy()
    rest = _changed_rest(rest, day, rng, recipe)
    appliances: dict[str, Watts] = {}
    strangers = [name for name in recipe.strangers if name not in house.appliances_w and rng.random() < recipe.given]
    for name in (*house.appliances_w, *strangers):
        owners = [one for one in donors if _owns(one, name)]
        if not owners:
            continue
        drawn = owners[rng.integers(len(owners))]
        owner = drawn.only(name) if isinstance(drawn, Lender) else drawn
        power = _replayed(owner.appliances_w[name], owner.mains_w, owner.per_day(), length, rng, recipe)
        appliances[name] = np.where(np.isfinite(rest), power, np.nan).astype(np.float32)
    mains = rest + np.sum(list(appliances.values()), axis=0) if appliances else rest
    return replace(
        house, name=f"{house.name} made up {seed}", mains_w=mains.astype(np.float32), appliances_w=appliances
    )


def _owns(donor: House | Lender, name: str) -> bool:
    return donor.owns(name) if isinstance(donor, Lender) else name in donor.appliances_w


def _changed_rest(rest: Watts, day: int, rng: np.random.Generator, recipe: Recipe) -> Watts:
    """The rest at another level, with the rest of other days added to some."""
    changed = rest * log_uniform(rng, *recipe.rest)
    whole = [start for start in range(0, len(rest) - day + 1, day) if np.isfinite(rest[start : start + day]).all()]
    if not whole:
        return changed
    for start in range(0, len(rest) - day + 1, day):
        if rng.random() < recipe.second_rest:
            other = whole[rng.integers(len(whole))]
            changed[start : start + day] += rest[other : other + day] * log_uniform(rng, *recipe.rest)
    return changed


def _replayed(power: Watts, mains: Watts, day: int, length: int, rng: np.random.Generator, recipe: Recipe) -> Watts:
    """Days of an appliance in another order, moved, stretched, at another level and rate; (length,)."""
    real = np.isfinite(mains) & np.isfinite(power)
    offset = _quietest(power, day)
    starts = [at for at in range(offset, len(power) - day + 1, day) if real[at : at + day].mean() > 0.9]
    if not starts:
        return np.zeros(length, np.float32)
    level, rate = log_uniform(rng, *recipe.power), log_uniform(rng, *recipe.use)
    made = np.zeros(length + 2 * day, np.float32)
    keep, shift = min(rate, 1.0), round(recipe.shift_min * day / MINUTES)
    for start in range(0, length + day, day):
        plays = int(rng.random() < keep) + int(rng.random() < max(rate - 1, 0))
        for _ in range(plays):
            source = starts[rng.integers(len(starts))]
            piece = np.nan_to_num(power[source : source + day])
            if rng.random() < recipe.stretched:
                piece = _stretched(piece, log_uniform(rng, *recipe.stretch))
            place = start + offset - day + int(rng.integers(-shift, shift + 1))
            piece, place = piece[max(-place, 0) :], max(place, 0)
            span = made[place : place + len(piece)]
            np.maximum(span, piece[: len(span)], out=span)
    return (made[:length] * level).astype(np.float32)


def _quietest(power: Watts, day: int) -> int:
    """The step of the day at which days are best cut, so that few uses are cut in two."""
    whole = len(power) // day * day
    hours = np.array_split(np.nan_to_num(power[:whole]).reshape(-1, day).sum(0), 24)
    return int(np.cumsum([0, *map(len, hours)])[np.argmin([hour.sum() for hour in hours])])


def _stretched(piece: Watts, factor: float) -> Watts:
    """The same day played slower (factor above 1) about its own start, cut or filled to the same length."""
    at = np.arange(len(piece)) / factor
    return np.interp(at, np.arange(len(piece)), piece, right=0.0).astype(np.float32)
