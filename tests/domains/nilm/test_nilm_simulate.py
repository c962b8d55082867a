"""Laws of the simulated household: energy balance, one seed one household, rates as documented."""

import numpy as np
import pandas as pd
import pytest

from labformer.domains.nilm.appliances import APPLIANCES
from labformer.domains.nilm.daylight import cold, darkness, day_length
from labformer.domains.nilm.kinds import KINDS
from labformer.domains.nilm.laundry import laundry
from labformer.domains.nilm.ovens import ovens
from labformer.domains.nilm.simulate import SIMULATED, household, simulate
from labformer.domains.nilm.states import on_rule, pause_steps, uses
from labformer.shared.errors import InputError


def test_appliances_are_never_negative_and_their_sum_never_exceeds_the_mains() -> None:
    for seed in range(5):
        house = simulate(20, seed)
        total = np.sum(list(house.appliances_w.values()), axis=0)
        assert all(power.min() >= 0 for power in house.appliances_w.values())
        assert (total <= house.mains_w * (1 + 1e-6)).all()
        assert np.isfinite(house.mains_w).all()


def test_what_an_appliance_takes_is_what_the_mains_lose_without_it() -> None:
    whole = simulate(10, 3)
    for name in SIMULATED:
        without = simulate(10, 3, appliances=[other for other in SIMULATED if other != name])
        np.testing.assert_allclose(whole.mains_w - without.mains_w, whole.appliances_w[name], atol=2e-3)


def test_energy_is_the_same_whatever_the_step() -> None:
    fine, coarse = simulate(5, 1, "10s"), simulate(5, 1, "30min")
    np.testing.assert_allclose(fine.mains_w.reshape(-1, 180).mean(1), coarse.mains_w, rtol=1e-4)
    assert set(np.unique(fine.mains_w % 1)) == {0}  # the meter resolves one watt


def test_a_seed_is_a_household_and_another_seed_another() -> None:
    one, again, other = simulate(7, 5), simulate(7, 5), simulate(7, 6)
    np.testing.assert_array_equal(one.mains_w, again.mains_w)
    assert household(5) == household(5)
    assert household(5) != household(6)
    assert np.corrcoef(one.mains_w, other.mains_w)[0, 1] < 0.5
    drawn = [household(seed) for seed in range(40)]
    assert len({home.standby_w for home in drawn}) == 40
    assert len({len(home.loads) for home in drawn}) > 2  # not all own a tumble dryer


@pytest.mark.parametrize("name", SIMULATED)
def test_uses_come_at_the_household_s_rate_and_run_at_its_power(name: str) -> None:
    days, counted, expected = 120, 0, 0.0
    for seed in range(3):
        power = simulate(days, seed, appliances=[name]).appliances_w[name]
        load = next(one for one in household(seed).loads if one.name == name)
        low, high = KINDS[name].per_day
        assert low <= load.per_day <= high
        on = on_rule(power, APPLIANCES[name])
        assert np.percentile(power[on], 95) == pytest.approx(load.power_w, rel=0.06)
        if name == "washing_machine":  # a cold wash never takes 300 W, and from a heating to the spins may be an hour
            counted += len(uses(power > 5, 10))
        else:
            counted += len(uses(on, pause_steps(APPLIANCES[name], 1)))
        expected += load.per_day * days
    assert counted == pytest.approx(expected, rel=0.2)


def test_washes_heat_as_long_as_water_takes_and_about_as_often_as_people_say() -> None:
    # 17 l from 15 degrees at 2 kW, 4.19 kJ a kg and degree
    for seed in range(20):
        programs = laundry(np.random.default_rng(seed))
        for program, degrees in zip(programs[1:], (30, 40, 60, 90), strict=True):
            heating = [stage.minutes for stage in program.stages if stage.share == 1 and stage.minutes > 2.5]
            assert len(heating) == 1 or degrees > 30  # some machines pause within a long one
            assert sum(heating) == pytest.approx(17 * 4190 * (degrees - 15) / 2000 / 60, abs=1.5)
        shares = [program.weight for program in programs]
        assert sum(shares) == pytest.approx(1)
        assert np.dot(shares, (20, 30, 40, 60, 90)) == pytest.approx(42, abs=2)
        assert max(shares) == shares[2]


def test_no_two_washing_machines_are_alike_and_every_one_fills_heats_rinses_and_spins() -> None:
    machines = [laundry(np.random.default_rng(seed)) for seed in range(40)]
    assert len(set(machines)) == 40
    assert machines[7] == laundry(np.random.default_rng(7))
    cycles = [machine[2].stages for machine in machines]
    for stages in cycles:
        powers = [stage.share * stage.duty for stage in stages]
        assert powers[0] < 0.06  # filling
        assert stages[1].share == 1
        assert max(powers[-2:]) > 1.5 * np.median(powers[2:-2]) or stages.count(stages[-3]) > 1
        assert all(0 < stage.share <= 1 and stage.minutes > 0 and 0 < stage.duty <= 1 for stage in stages)
    heatings = [sum(stage.share == 1 for stage in stages) for stages in cycles]
    assert min(heatings) == 1
    assert max(heatings) > 6  # some keep warm by short heatings
    minutes = [sum(stage.minutes for stage in stages) for stages in cycles]
    assert 60 < np.median(minutes) < 130  # [R] 138, in the mean of machines that were old in 2010
    assert np.std(np.log(minutes)) > 0.2


def test_no_two_ovens_are_alike_and_each_heats_up_before_it_switches() -> None:
    machines = [ovens(np.random.default_rng(seed)) for seed in range(40)]
    assert len(set(machines)) == 40
    for machine in machines:
        assert sum(program.weight for program in machine) == pytest.approx(1)
        for program in machine:
            up, bake = program.stages
            assert (up.share, up.duty) == (1, 1)
            assert 0.2 <= bake.duty <= 0.65
        assert bake.period_s / 60 < machine[1].stages[1].minutes  # the usual bake switches at least once
    assert np.ptp([machine[1].stages[1].period_s for machine in machines]) > 200


def test_some_households_wash_and_do_the_dishes_at_the_same_hour() -> None:
    often = sorted(range(60), key=lambda seed: household(seed).together)
    close = []
    for seeds in (often[:8], often[-8:]):
        runs = []
        for seed in seeds:
            house = simulate(80, seed, appliances=("dishwasher", "washing_machine"))
            dishes, washes = (
                house.appliances_w[name].reshape(80, 24, 60).max(2) > 1500 for name in ("dishwasher", "washing_machine")
            )
            beside = dishes | np.roll(dishes, 1, axis=1) | np.roll(dishes, -1, axis=1)
            runs.append((washes & beside).sum() / washes.sum())
        close.append(np.mean(runs))
    assert close[1] > 1.3 * close[0]


@pytest.mark.parametrize("name", ["washing_machine", "dishwasher"])
def test_a_machine_has_programs_and_households_like_others_of_them(name: str) -> None:
    homes = [next(load for load in household(seed).loads if load.name == name) for seed in range(60)]
    assert all(sum(load.likes) == pytest.approx(1) and len(load.likes) == len(load.programs) for load in homes)
    usual = np.array([one.weight for one in homes[0].programs])
    np.testing.assert_allclose(np.mean([load.likes for load in homes], axis=0), usual / usual.sum(), atol=0.1)
    assert len({load.water for load in homes}) == 60
    # a use of more water takes longer at full power, and more energy
    kwh = [
        simulate(60, seed, appliances=[name]).appliances_w[name].sum() / 60e3 / (60 * load.per_day * load.power_w / 2e3)
        for seed, load in enumerate(homes[:12])
    ]
    assert np.corrcoef(kwh, [load.water * load.pace for load in homes[:12]])[0, 1] > 0.3
    assert next(load for load in household(0).loads if load.name == "kettle").likes == (1.0,)


def test_kettles_boil_by_day_and_leave_minutes_partly_on() -> None:
    power = simulate(60, 0).appliances_w["kettle"].reshape(60, 1440)
    assert power[:, 60:240].sum() < 0.02 * power.sum()
    running = power[power > 0]
    assert ((running > 0.1 * running.max()) & (running < 0.9 * running.max())).mean() > 0.2


def test_a_household_lives_by_its_clock_when_summer_time_begins_and_ends() -> None:
    for start, earlier in (("2024-03-25", 60), ("2024-10-21", -60)):
        plain = simulate(12, 4, appliances=["kettle"], start=start).appliances_w["kettle"]
        there = simulate(12, 4, appliances=["kettle"], start=start, zone="Europe/London")
        power, change = there.appliances_w["kettle"], 7 * 1440
        ahead = int(there.local()[0].utcoffset() / pd.Timedelta(minutes=1))
        assert str(there.local()[0])[:19] == f"{start} 00:00:00"
        assert there.times[0] == pd.Timestamp(start, tz="UTC") - pd.Timedelta(minutes=ahead)
        whole = slice(change, 11 * 1440)
        moved = slice(whole.start - earlier, whole.stop - earlier)
        np.testing.assert_array_equal(power[: change - 1440], plain[: change - 1440])
        np.testing.assert_array_equal(power[moved], plain[whole])


def test_lamps_burn_longer_and_heaters_run_more_in_winter() -> None:
    winter, summer = (
        [simulate(10, seed, start=start, zone="Europe/London") for seed in range(4)]
        for start in ("2024-01-02", "2024-06-10")
    )
    for cold_one, warm_one in zip(winter, summer, strict=True):
        dusk = [
            np.median((one.mains_w - sum(one.appliances_w.values()))[one.local().hour == 19])
            for one in (cold_one, warm_one)
        ]
        assert dusk[0] > dusk[1]
        total = sum(cold_one.appliances_w.values())
        assert (total <= cold_one.mains_w * (1 + 1e-6)).all()


def test_a_heater_stands_still_in_summer_whatever_else_does_not() -> None:
    owners = [seed for seed in range(12) if "heater" in [load.name for load in household(seed).loads]]
    apart = []
    for start in ("2024-01-02", "2024-07-15"):
        rest = [
            house.mains_w - sum(house.appliances_w.values())
            for house in (simulate(14, owners[0], start=start, zone=zone) for zone in (None, "Etc/UTC"))
        ]
        apart.append(np.mean(rest[1] - rest[0]))
    assert apart[0] > 0 > apart[1]  # against a year without seasons


def test_daylight_and_cold_are_those_of_the_almanac() -> None:
    # 52 degrees north: 16.5 h and 7.5 h at the solstices, 12 h at the equinox; always, and never, beyond the circle
    days = np.array([172, 355, 80])
    np.testing.assert_allclose(day_length(days, 52), [16.5, 7.5, 12], atol=0.15)
    np.testing.assert_allclose(day_length(days[:2], 70), [24, 0])
    np.testing.assert_allclose(day_length(days, -52), 24 - day_length(days, 52))
    for date, dawn, dusk in (("2024-06-21", 4.75, 21.2), ("2024-12-21", 8.2, 15.8)):
        day = pd.date_range(date, periods=144, freq="10min", tz="Europe/London")
        bright = np.flatnonzero(darkness(day, 52) < 0.5) / 6
        assert bright[0] == pytest.approx(dawn, abs=0.5)
        assert bright[-1] == pytest.approx(dusk, abs=0.5)
    year = cold(np.arange(1, 366))
    assert year.mean() == pytest.approx(1)
    assert year.argmax() < 40
    assert year[190:220].max() == 0


def test_impossible_wishes_are_refused_in_words() -> None:
    with pytest.raises(InputError, match="cannot be simulated"):
        simulate(2, appliances=["fridge"])
    for days, step in ((0, "1min"), (1, "7s"), (1, "7min")):
        with pytest.raises(InputError, match="in steps of"):
            simulate(days, step=step)
    with pytest.raises(InputError, match="no IANA zone"):
        simulate(2, zone="Europe/Atlantis")
