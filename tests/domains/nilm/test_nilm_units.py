"""Units are declared, said by the name, or the only ones in which a house can have such values; never guessed."""

import numpy as np
import pandas as pd
import pytest

from labformer.domains.nilm.units import in_watts, infer, is_register, register_unit, spelled, unit_in_name
from labformer.shared.errors import InputError

MINUTE = pd.Timedelta("1min")


def mains(rows: int = 3000) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.uniform(60, 300, rows) + 2500 * (rng.random(rows) < 0.05)


def clock(rows: int, every: str = "1min") -> pd.DatetimeIndex:
    return pd.date_range("2024-01-01", periods=rows, freq=every, tz="UTC")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mains_kw", ("mains", "kW")),
        ("Power (W)", ("Power", "W")),
        ("energy kWh", ("energy", "kWh")),
        ("Use [kW]", ("Use", "kW")),
        ("Current (A)", ("Current", "A")),
        ("current_a", ("current", "A")),
        ("mains_a", ("mains_a", None)),  # the phase A, as likely
        ("Aggregate", ("Aggregate", None)),
        ("window", ("window", None)),
        ("watts", ("watts", "W")),
    ],
)
def test_the_name_of_a_column_may_end_in_its_unit(name: str, expected: tuple[str, str | None]) -> None:
    assert unit_in_name(name) == expected


def test_units_are_known_in_any_spelling_but_not_mega_or_milli() -> None:
    assert [spelled(one, "x", "f") for one in ("watts", "KW", "kwh", " Wh ", "Amps", "kVA")] == [
        *("W", "kW", "kWh", "Wh", "A", "kVA")
    ]
    for other in ("MW", "mW", "horses"):
        with pytest.raises(InputError, match=f"'{other}' of 'x' is not known"):
            spelled(other, "x", "f")


@pytest.mark.parametrize(("factor", "unit"), [(1.0, "W"), (1e-3, "kW")])
@pytest.mark.parametrize("every", ["1s", "8s", "1min"])
def test_power_by_the_minute_or_finer_can_be_only_one_unit(factor: float, unit: str, every: str) -> None:
    found, said = infer(mains() * factor, pd.Timedelta(every), "Aggregate", "f")
    assert found == unit
    assert f"unit of 'Aggregate' taken to be {unit}: median" in said


@pytest.mark.parametrize("factor", [1.0, 1e-3, 0.5, 0.5e-3])
def test_half_hours_may_be_power_or_energy_and_are_asked_for(factor: float) -> None:
    with pytest.raises(InputError, match="could be .* or .*--unit"):
        infer(mains() * factor, pd.Timedelta("30min"), "mains", "f")


@pytest.mark.parametrize(("name", "factor", "unit"), [("power", 1.0, "W"), ("consumption", 0.5e-3, "kWh")])
def test_a_name_that_says_power_or_energy_decides(name: str, factor: float, unit: str) -> None:
    assert infer(mains() * factor, pd.Timedelta("30min"), name, "f")[0] == unit


def test_bursts_do_not_mislead() -> None:
    values = mains()
    values[[7, 900]] = 3e7
    assert infer(values, MINUTE, "mains", "f")[0] == "W"


def test_no_unit_of_a_house_is_said() -> None:
    with pytest.raises(InputError, match="fits no unit of power or energy of a house"):
        infer(mains() * 1e-6, MINUTE, "mains", "f")


def test_kilowatts_and_energy_in_each_interval_become_the_same_watts() -> None:
    watts = mains()
    for unit, factor in (("W", 1.0), ("kW", 1e-3), ("Wh", 1 / 60), ("kWh", 1 / 60000)):
        power, _ = in_watts(watts * factor, clock(3000), unit, MINUTE, "mains", "f")
        np.testing.assert_allclose(power, watts, rtol=1e-12)


def test_energy_in_unequal_intervals_is_refused() -> None:
    uneven = clock(1)[0] + pd.to_timedelta(np.cumsum(np.random.default_rng(0).integers(1, 90, 3000)), unit="s")
    with pytest.raises(InputError, match="energy per interval, but the rows are"):
        in_watts(mains() / 60, uneven, "Wh", MINUTE, "mains", "f")


@pytest.mark.parametrize("unit", ["VA", "kVA", "var", "V", "A"])
def test_what_is_no_active_power_is_refused_with_advice(unit: str) -> None:
    with pytest.raises(InputError, match="no active power can be known; give a column in W"):
        in_watts(mains(), clock(3000), unit, MINUTE, "mains", "f")


def test_the_differences_of_a_register_are_the_power() -> None:
    watts = mains()
    register = 8000 + np.r_[0, watts.cumsum()] / 60000
    assert is_register(register) and not is_register(watts) and not is_register(np.full(100, 5.0))
    power, done = in_watts(register, clock(3001), "kWh", MINUTE, "total", "f")
    np.testing.assert_allclose(power[:-1], watts, rtol=1e-6)
    assert np.isnan(power[-1]) and "register in kWh" in done[0]


def test_a_register_that_falls_was_reset_and_that_interval_is_missing() -> None:
    watts = mains()
    register = np.r_[0, watts.cumsum()] / 60000
    register[2000:] -= register[2000]
    power, done = in_watts(register, clock(3001), "kWh", MINUTE, "total", "f")
    assert np.flatnonzero(np.isnan(power)).tolist() == [1999, 3000]
    assert "fell 1 time" in done[1] and "2024-01-02 09:20" in done[1]


def test_a_register_skips_missing_rows_and_keeps_their_energy() -> None:
    watts = mains()
    register = np.r_[0, watts.cumsum()] / 60000
    register[100:103] = np.nan
    power, _ = in_watts(register, clock(3001), "kWh", MINUTE, "total", "f")
    assert power[99] == pytest.approx(watts[99:103].mean())


def test_an_appliance_that_hardly_runs_is_no_register() -> None:
    power = np.zeros(100_000)
    power[::5000] = 1200.0
    assert not is_register(power)
    assert is_register(power.cumsum())


def test_a_coarse_register_is_spread_between_its_changes_and_keeps_its_energy() -> None:
    register = np.floor(np.r_[0, mains().cumsum()] / 6000) / 10  # tenths of a kWh
    power, done = in_watts(register, clock(3001), "kWh", MINUTE, "total", "f")
    known = np.isfinite(power)
    ends = np.flatnonzero(known)[-1] + 1
    assert known[:ends].all() and power.min(where=known, initial=1) > 0
    assert power[known].sum() / 60000 == pytest.approx(register[ends] - register[0])
    assert "too coarse" in done[1]


@pytest.mark.parametrize(("unit", "factor"), [("Wh", 1 / 60), ("kWh", 1 / 60000)])
def test_the_unit_of_a_register_is_the_one_at_the_pace_of_a_house(unit: str, factor: float) -> None:
    found, said = register_unit(mains().cumsum() * factor, clock(3000), "total", "f")
    assert found == unit and "turns by" in said
    with pytest.raises(InputError, match="no house in Wh or kWh"):
        register_unit(mains().cumsum() * 1e9, clock(3000), "total", "f")
