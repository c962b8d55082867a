"""A simulated household: documented appliances (`kinds`), used when documented, over the loads that nobody meters."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from zlib import crc32

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...shared.errors import InputError
from .daylight import cold, darkness
from .house import House, Watts
from .kinds import KINDS, WATER
from .stages import Program, Stage

TICK_S = 10  # the simulation's own step; averages over longer steps then hold partly-on minutes
DAY = 86_400 // TICK_S
CHORES = (9.0, 14.0, 19.0)  # hours at which a household begins several at once; no source of its own
SIMULATED = ("kettle", "dishwasher", "washing_machine", "microwave", "shower")


class Load(NamedTuple):
    """One appliance of one household."""

    name: str
    power_w: float
    per_day: float
    pace: float  # length of its stages over the documented length
    water: float  # length of its heatings over that again: how much water it heats
    likes: tuple[float, ...]  # share of its uses that each program has
    programs: tuple[Program, ...]


@dataclass(frozen=True, slots=True)
class Household:
    """What distinguishes a household from another; made by `household`."""

    seed: int
    standby_w: float  # always on
    fridge_w: float
    fridge_on_min: float
    fridge_off_min: float
    light_w: float  # of a full evening
    later_h: float  # the whole day begins that much later
    lie_in_h: float  # and at weekends that much more
    together: float  # share of its washes and dishes that are begun at the same hour
    loads: tuple[Load, ...]


def household(seed: int, appliances: Sequence[str] = SIMULATED) -> Household:
    """Draw a household that owns `appliances` and what else its seed gives it.

    One seed is one household: leaving an appliance out changes nothing of the rest. Raises InputError for an appliance
    that is not simulated.
    """
    if unknown := [name for name in appliances if name not in SIMULATED]:
        raise InputError(f"{', '.join(unknown)} cannot be simulated; choose from {', '.join(SIMULATED)}.")
    loads = []
    for name, kind in KINDS.items():
        rng = _stream(seed, name)
        drawn = rng.uniform(*kind.power_w), rng.uniform(*kind.per_day), rng.uniform(0.85, 1.15)
        if name in appliances if name in SIMULATED else rng.random() < kind.owned:
            programs = kind.drawn(_stream(seed, name + " make"))
            loads.append(Load(name, *drawn, *_habit(programs, _stream(seed, name + " habit")), programs))
    rng = _stream(seed, "household")
    return Household(
        seed=seed,
        standby_w=rng.uniform(40, 160),
        fridge_w=rng.uniform(70, 190),  # [R] 190 W, 22 min, 6116 a year: 64 min between; newer ones take less
        fridge_on_min=rng.uniform(14, 26),
        fridge_off_min=rng.uniform(25, 64),
        light_w=rng.uniform(60, 300),
        later_h=rng.uniform(-0.8, 1.2),
        lie_in_h=rng.uniform(0.5, 2),
        together=rng.uniform(0, 0.6),  # no source of its own; what runs at once is what is told apart worst
        loads=tuple(loads),
    )


def simulate(
    days: int = 60,
    seed: int = 0,
    step: str = "1min",
    appliances: Sequence[str] = SIMULATED,
    start: str = "2024-01-01",
    zone: str | None = None,
    latitude: float = 52.0,
) -> House:
    """Simulate a household; the mains are the sum of its metered appliances and of everything else, to the watt.

    zone      IANA zone whose clock the household lives by, summer time included; then lamps are lit when it is dark
              at this latitude, and heaters run when it is cold. None: a clock without a zone, a year without seasons
    ->  House named "simulated" of days * (day / step) rows, whose meters resolve 1 W every 10 s
    Raises InputError for no days, a step that is not a multiple of 10 s or does not divide the day, an appliance that
    is not simulated, a zone that is not known.
    """
    width, ticks = _whole_ticks(days, step)
    home = household(seed, appliances)
    clock = _clock(start, days, zone, latitude)
    times = pd.date_range(clock.first, periods=days * DAY // ticks, freq=width)
    metered = {load.name: _use(load, home, clock) for load in home.loads}
    rest = _background(home, clock)
    for name in [name for name in metered if name not in SIMULATED]:
        rest += metered.pop(name)
    metered = {name: _coarse(metered[name], ticks) for name in appliances}
    mains = _coarse(rest, ticks) + sum(metered.values())
    return House("simulated", times, width, mains.astype(np.float32), metered, zone)


def simulate_alone(name: str, days: int, seed: int, step: str = "1min", start: str = "2024-01-01") -> House:
    """One appliance of the household that `simulate` makes of this seed, with nothing else in the mains.

    Raises InputError as `simulate` does.
    """
    width, ticks = _whole_ticks(days, step)
    home, clock = household(seed, (name,)), _clock(start, days, None, 0)
    power = _coarse(_use(next(load for load in home.loads if load.name == name), home, clock), ticks)
    times = pd.date_range(clock.first, periods=len(power), freq=width)
    return House("simulated", times, width, power.astype(np.float32), {name: power})


def _whole_ticks(days: int, step: str) -> tuple[pd.Timedelta, int]:
    """A step and how many of the simulation's own are in it."""
    width = pd.Timedelta(step)
    ticks, odd = divmod(width, pd.Timedelta(seconds=TICK_S))
    if days < 1 or ticks < 1 or odd or DAY % ticks:
        raise InputError(f"cannot simulate {days} days in steps of {step}: at least 1 day, and 10s, 1min, 15min, ....")
    return width, ticks


def _coarse(power_w: Watts, ticks: int) -> Watts:
    """Mean power of each step; (tick,) -> (time,)."""
    return np.asarray(power_w.reshape(-1, ticks).mean(1))


class Clock(NamedTuple):
    """The days of a simulation as its household sees them."""

    first: pd.Timestamp  # UTC, midnight on the local clock
    zone: str | None
    weekend: NDArray[np.bool_]  # (day,)
    cold: NDArray[np.float64]  # (day,) need of heating, 1 in the mean of a year
    hour: NDArray[np.float64]  # (slot,) of the local clock, every ten minutes
    dark: NDArray[np.float64]  # (slot,) 0 to 1

    def ticks(self, hours: NDArray[np.float64]) -> NDArray[np.float64]:
        """From hours on the local clock since the first midnight to ticks since then."""
        if self.zone is None:
            return hours * 3600 / TICK_S
        wall = self.first.tz_convert(self.zone).tz_localize(None) + pd.to_timedelta(hours, unit="h")
        moments = pd.DatetimeIndex(wall).tz_localize(
            self.zone, ambiguous=np.ones(len(hours), bool), nonexistent="shift_forward"
        )
        return np.asarray((moments - self.first) / pd.Timedelta(seconds=TICK_S), dtype=np.float64)


def _clock(start: str, days: int, zone: str | None, latitude: float) -> Clock:
    dates = pd.date_range(start, periods=days)
    weekend, slots = dates.dayofweek.to_numpy() >= 5, np.arange(days * 144)
    if zone is None:
        return Clock(pd.Timestamp(start, tz="UTC"), None, weekend, np.ones(days), slots / 6, np.ones(len(slots)))
    try:
        first = pd.Timestamp(start, tz=zone).tz_convert("UTC")
    except (KeyError, ValueError) as error:
        raise InputError(f"zone={zone!r} is no IANA zone; give one such as Europe/London.") from error
    local = pd.date_range(first, periods=len(slots), freq="10min").tz_convert(zone)
    hour = (local.hour + local.minute / 60).to_numpy(np.float64)
    return Clock(first, zone, weekend, cold(dates.dayofyear.to_numpy()), hour, darkness(local, latitude))


def _use(load: Load, home: Household, clock: Clock) -> Watts:
    """Power of one appliance every 10 s; the first sample of a use lasts a part of its 10 s; (time,)."""
    kind, rng = KINDS[load.name], _stream(home.seed, load.name + " in use")
    days = len(clock.weekend)
    rate = load.per_day * (clock.cold if kind.heats else np.ones(days))
    day = np.repeat(np.arange(days), rng.poisson(rate))
    peak = rng.choice(len(kind.peaks), len(day), p=[one.weight for one in kind.peaks])
    hour, spread = np.array([one[:2] for one in kind.peaks])[peak].T
    hour = rng.normal(hour, spread) + home.later_h + home.lie_in_h * clock.weekend[day] * (hour < 12)
    if kind.chore:
        chores = _stream(home.seed, "chores")
        together = chores.normal(chores.choice(CHORES, days), 1.2)[day] + rng.normal(0, 0.4, len(day))
        hour = np.where(rng.random(len(day)) < home.together, together, hour)
    begins = clock.ticks(np.sort(day * 24 + hour % 24))
    length = load.pace * rng.lognormal(0, kind.spread, len(day))
    strength = load.power_w * rng.normal(1, 0.015, len(day))  # the mains voltage, mostly
    program = _stream(home.seed, load.name + " programs").choice(len(load.likes), len(day), p=load.likes)
    programs = [_filled(one.stages, load.water) for one in load.programs]
    power, free = np.zeros(days * DAY, dtype=np.float32), 0.0
    for begin, stretch, full_w, at in zip(begins, length, strength, program, strict=True):
        begin = max(begin, free)
        cycle = full_w * _cycle(programs[at], stretch, begin % 1)
        part = power[int(begin) : int(begin) + len(cycle)]
        part += cycle[: len(part)]
        free = begin + len(cycle) + kind.rest_min * 60 / TICK_S
    return np.rint(power)


def _habit(programs: Sequence[Program], rng: np.random.Generator) -> tuple[float, tuple[float, ...]]:
    """How much water a household heats, and how often it chooses each program, where there is a choice."""
    usual = np.array([one.weight for one in programs])
    if len(usual) == 1:
        return 1.0, (1.0,)
    liked = usual * rng.gamma(1.5, size=len(usual))  # households differ in what they choose; no source of its own
    return float(rng.uniform(*WATER)), tuple(float(one) for one in liked / liked.sum())


def _filled(stages: tuple[Stage, ...], water: float) -> tuple[Stage, ...]:
    """The same program with its heatings, the stages at full power, so much longer or shorter."""
    return tuple(one._replace(minutes=one.minutes * water) if one.share == 1 else one for one in stages)


def _cycle(stages: tuple[Stage, ...], stretch: float, late: float) -> Watts:
    """Share of the power in each 10 s of a use that begins `late` into the first of them; (time,)."""
    ends = np.cumsum([0, *(stage.minutes for stage in stages)]) * stretch * 60 / TICK_S
    fine = 5  # parts of 10 s
    at = (np.arange(0, int(np.ceil(late + ends[-1])) * fine) + 0.5) / fine - late
    stage = np.searchsorted(ends, at, side="right") - 1
    inside = (at >= 0) & (at < ends[-1])
    share, _, duty, period = np.array(stages)[np.clip(stage, 0, len(stages) - 1)].T
    phase = (at - ends[np.clip(stage, 0, len(stages) - 1)]) * TICK_S / period % 1
    return np.asarray((share * (phase < duty) * inside).reshape(-1, fine).mean(1), dtype=np.float32)


def _background(home: Household, clock: Clock) -> Watts:
    """Standby, fridge, lights and their unrest, every 10 s; (time,) W, never negative."""
    rng, days = _stream(home.seed, "background"), len(clock.weekend)
    count = days * DAY
    pairs = int(days * 1440 / (home.fridge_on_min + home.fridge_off_min) * 1.3) + 8
    spells = np.array([home.fridge_on_min, home.fridge_off_min]) * rng.lognormal(0, 0.1, (pairs, 2)) * 60 / TICK_S
    cooling = np.repeat(np.tile([1.0, 0.0], pairs), spells.astype(int).ravel())[rng.integers(DAY // 24) :][:count]
    hour = (clock.hour - home.later_h) % 24  # lights change every ten minutes, evenings most; [L]
    awake = np.exp(-0.5 * ((hour - 20) / 1.8) ** 2) + 0.3 * np.exp(-0.5 * ((hour - 7) / 0.7) ** 2)
    light = home.light_w * np.repeat(awake * clock.dark * rng.gamma(4, 0.25, len(hour)), DAY // 144)
    noise = rng.standard_normal(count, dtype=np.float32) * 3
    return np.rint(np.maximum(home.standby_w + home.fridge_w * cooling + light + noise, 0)).astype(np.float32)


def _stream(seed: int, name: str) -> np.random.Generator:
    """Random numbers of one part of one household, the same whatever the other parts draw."""
    return np.random.default_rng([seed, crc32(name.encode())])
