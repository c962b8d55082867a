import numpy as np
import pytest

from labformer.domains.nilm.enlarging import Enlargement
from labformer.domains.nilm.house import House
from labformer.domains.nilm.simulate import simulate

KEY = (0, 1)


@pytest.fixture(scope="module")
def real() -> list[House]:
    return [simulate(12, 1, appliances=("kettle", "washing_machine")), simulate(9, 2, appliances=("kettle",))]


def test_nothing_is_added_unless_it_is_asked_for(real: list[House]) -> None:
    assert Enlargement().of(real, KEY) == real


def test_houses_come_first_then_copies_of_some_of_their_days_then_households(real: list[House]) -> None:
    every = Enlargement(copies=2, days=5, simulated=1, households=3).of(real, KEY)
    assert every[:2] == real
    assert [len(one.mains_w) // one.per_day() for one in every] == [12, 9, 5, 5, 5, 5, 12, 12, 12]
    assert all({*copy.appliances_w} >= {"kettle"} for copy in every)
    for one in every:
        apart = one.mains_w - np.sum(list(one.appliances_w.values()), axis=0)
        assert np.nanmin(apart) > -1  # what is metered is in the mains


def test_another_key_draws_other_houses_and_the_same_key_the_same(real: list[House]) -> None:
    wanted = Enlargement(copies=1, days=4, simulated=2, households=1)
    one, again, other = (wanted.of(real, key)[2:] for key in (KEY, KEY, (0, 2)))
    assert all(np.array_equal(a.mains_w, b.mains_w, equal_nan=True) for a, b in zip(one, again, strict=True))
    assert not any(np.array_equal(a.mains_w, b.mains_w, equal_nan=True) for a, b in zip(one, other, strict=True))
