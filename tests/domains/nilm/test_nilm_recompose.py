"""Laws of made-up houses: energy balances, gaps stay, a seed is a house, habits stay within the recipe."""

from dataclasses import replace

import numpy as np
import pytest

from labformer.domains.nilm.appliances import APPLIANCES
from labformer.domains.nilm.house import House
from labformer.domains.nilm.recompose import Recipe, recompose
from labformer.domains.nilm.simulate import simulate
from labformer.domains.nilm.states import on_rule, uses

OWNED = ("kettle", "dishwasher", "microwave")
NO_STRANGERS = Recipe(strangers=())
FAITHFUL = Recipe(
    rest=(1, 1), second_rest=0, power=(1, 1), use=(1, 1), shift_min=0, stretched=0, strangers=()
)  # days in another order, nothing else


def rest_of(house: House) -> np.ndarray:
    return house.mains_w - np.sum(list(house.appliances_w.values()), axis=0)


def count(power: np.ndarray, name: str) -> int:
    return len(uses(on_rule(power, APPLIANCES[name]), 1))


@pytest.fixture(scope="module")
def houses() -> list[House]:
    return [simulate(20, seed, appliances=OWNED) for seed in range(2)]


def test_mains_are_the_rest_and_the_appliances(houses: list[House]) -> None:
    made = recompose(houses[0], houses, 4, NO_STRANGERS)
    assert set(made.appliances_w) == set(OWNED)
    assert len(made.mains_w) == len(made.times) == len(houses[0].times)
    assert made.mains_w.dtype == made.appliances_w["kettle"].dtype == np.float32
    assert rest_of(made).min() >= -0.01
    assert all(power.min() >= 0 for power in made.appliances_w.values())
    assert made.name != houses[0].name


def test_the_rest_of_the_faithful_recipe_is_the_house_s_own(houses: list[House]) -> None:
    np.testing.assert_allclose(rest_of(recompose(houses[0], houses, 1, FAITHFUL)), rest_of(houses[0]), atol=0.01)
    tripled = recompose(houses[0], houses, 1, replace(FAITHFUL, rest=(3, 3)))
    np.testing.assert_allclose(rest_of(tripled), 3 * rest_of(houses[0]), atol=0.01)


def test_a_seed_is_a_house_and_another_seed_another(houses: list[House]) -> None:
    one, again, other = (recompose(houses[0], houses, seed) for seed in (7, 7, 8))
    np.testing.assert_array_equal(one.mains_w, again.mains_w)
    for name in OWNED:
        np.testing.assert_array_equal(one.appliances_w[name], again.appliances_w[name])
        assert not np.array_equal(one.appliances_w[name], other.appliances_w[name])
    assert not np.allclose(rest_of(one), rest_of(other), atol=5)


def test_nothing_is_written_into_the_real_houses(houses: list[House]) -> None:
    before = [(house.mains_w.copy(), house.appliances_w["kettle"].copy()) for house in houses]
    recompose(houses[0], houses, 3)
    for house, (mains, kettle) in zip(houses, before, strict=True):
        np.testing.assert_array_equal(house.mains_w, mains)
        np.testing.assert_array_equal(house.appliances_w["kettle"], kettle)


def test_minutes_without_mains_stay_without(houses: list[House]) -> None:
    gap = np.zeros(len(houses[0].times), bool)
    gap[3000:5000] = True
    holed = replace(houses[0], mains_w=np.where(gap, np.nan, houses[0].mains_w))
    made = recompose(holed, houses, 2)
    for line in (made.mains_w, *made.appliances_w.values()):
        np.testing.assert_array_equal(np.isnan(line), gap)


def test_use_and_power_stay_within_the_recipe(houses: list[House]) -> None:
    alone = [houses[0]]
    real = houses[0].appliances_w["kettle"]
    for rate in (0.4, 1.0, 2.0):
        recipe = replace(FAITHFUL, use=(rate, rate))
        found = [count(recompose(houses[0], alone, seed, recipe).appliances_w["kettle"], "kettle") for seed in range(6)]
        assert np.mean(found) == pytest.approx(rate * count(real, "kettle"), rel=0.2)  # twice as many at times overlap
    louder = recompose(houses[0], alone, 0, replace(FAITHFUL, power=(1.25, 1.25))).appliances_w["kettle"]
    assert louder.max() == pytest.approx(1.25 * real.max(), rel=0.02)
    for seed in range(4):
        made = recompose(houses[0], alone, seed, NO_STRANGERS).appliances_w["kettle"]
        assert 0.79 * real.max() <= made.max() <= 1.26 * real.max()


def test_stretching_changes_lengths_and_not_the_power(houses: list[House]) -> None:
    slower = replace(FAITHFUL, stretched=1, stretch=(1.25, 1.25))
    plain, slow = (
        [recompose(houses[0], houses[:1], seed, recipe).appliances_w["dishwasher"] for seed in range(4)]
        for recipe in (FAITHFUL, slower)
    )

    def length(lines: list[np.ndarray]) -> float:
        found = np.concatenate([np.diff(uses(on_rule(one, APPLIANCES["dishwasher"]), 0)) for one in lines])
        return float(np.median(found))

    assert length(slow) == pytest.approx(1.25 * length(plain), rel=0.15)
    assert np.max(slow) == pytest.approx(np.max(plain), rel=0.02)


def test_a_house_gets_no_appliance_it_did_not_meter_but_strangers(houses: list[House]) -> None:
    own = replace(houses[0], appliances_w={"kettle": houses[0].appliances_w["kettle"]})
    bather = simulate(20, 9, appliances=("shower", "dishwasher"))
    donors = [own, bather]
    found = [set(recompose(own, donors, seed).appliances_w) for seed in range(12)]
    assert {frozenset(one) for one in found} == {frozenset({"kettle"}), frozenset({"kettle", "shower"})}
    assert set(recompose(own, donors, 0, NO_STRANGERS).appliances_w) == {"kettle"}
    always = recompose(own, donors, 0, Recipe(given=1))
    assert always.appliances_w["shower"].max() > 5000
    assert (always.mains_w - always.appliances_w["shower"]).min() >= 0
    assert "shower" not in recompose(own, [own], 0, Recipe(given=1)).appliances_w  # nobody to take it from


def test_appliances_come_from_the_donors(houses: list[House]) -> None:
    small, large = (
        replace(house, appliances_w={"kettle": np.where(house.appliances_w["kettle"] > 500, level, 0).astype("f4")})
        for house, level in zip(houses, (1000, 3000), strict=True)
    )
    levels = [recompose(small, [small, large], seed, FAITHFUL).appliances_w["kettle"].max() for seed in range(12)]
    assert set(levels) == {1000, 3000}
    assert {recompose(small, [large], seed, FAITHFUL).appliances_w["kettle"].max() for seed in range(3)} == {3000}


def test_a_house_without_meters_or_whole_days_is_still_made_up() -> None:
    bare = replace(simulate(2, 0), appliances_w={})
    made = recompose(bare, [bare], 0, FAITHFUL)
    np.testing.assert_array_equal(made.mains_w, bare.mains_w)
    assert made.appliances_w == {}
    short = simulate(1, 0, appliances=("kettle",)).rows(slice(0, 900))
    assert not recompose(short, [short], 0).appliances_w["kettle"].any()  # no day to play
