"""Season as a household meets it: when it is dark, and how cold it is."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
TWILIGHT_H = 0.5  # before sunset and after sunrise, in which lamps take over; no source of its own
HEATING_C = 15.5  # outdoor mean below which British homes are heated (CIBSE TM41:2006, the base of degree days)


def day_length(day: NDArray[Any], latitude: float) -> Floats:
    """Hours from sunrise to sunset; day of the year (1 to 366) -> same shape.

    Declination by Cooper 1969, "The absorption of radiation in solar stills", Solar Energy 12; the hour angle of
    sunset from it (Duffie & Beckman, "Solar Engineering of Thermal Processes", eq. 1.6.10). 0 and 24 beyond the polar
    circles.
    """
    declination = np.radians(23.45) * np.sin(2 * np.pi * (284 + np.asarray(day, np.float64)) / 365)
    angle = np.arccos(np.clip(-np.tan(np.radians(latitude)) * np.tan(declination), -1, 1))
    return np.asarray(angle * 24 / np.pi)


def darkness(local: pd.DatetimeIndex, latitude: float) -> Floats:
    """How much of a room's light comes from lamps, 0 to 1, on a local clock with a zone; (time,) -> same.

    The sun is highest at noon of the zone's winter time: places far from its meridian are off by up to an hour.
    """
    wall = local.tz_localize(None)
    ahead = (wall - local.tz_convert("UTC").tz_localize(None)) / pd.Timedelta(hours=1)
    winter = min(_ahead(pd.Timestamp(f"{wall[0].year}-{month}-01", tz=local.tz)) for month in ("01", "07"))
    hour = (wall.hour + wall.minute / 60 + wall.second / 3600 - (ahead - winter)).to_numpy(np.float64)
    from_noon = np.abs((hour - 12 + 12) % 24 - 12)
    half = day_length(wall.dayofyear.to_numpy(), latitude) / 2 - TWILIGHT_H / 2
    return np.asarray(np.clip((from_noon - half) / TWILIGHT_H + 0.5, 0, 1))


def cold(day: NDArray[Any]) -> Floats:
    """Need of heating, 1 in the mean of a year; day of the year -> same shape.

    Degrees below `HEATING_C` of a sine through the monthly means of Central England (Met Office, 1991-2020: about 4.5
    degrees C in January, 17 in late July).
    """
    every = _below(np.arange(1, 366))
    return np.asarray(_below(np.asarray(day, np.float64)) / every.mean())


def _below(day: NDArray[Any]) -> Floats:
    outdoor = 10.5 - 6 * np.cos(2 * np.pi * (day - 24) / 365.25)
    return np.asarray(np.maximum(HEATING_C - outdoor, 0))


def _ahead(moment: pd.Timestamp) -> float:
    """Hours that a clock is ahead of UTC."""
    offset = moment.utcoffset()
    return 0.0 if offset is None else offset / pd.Timedelta(hours=1)
