"""Laws of the split in time: nothing twice, nothing lost, by readings, between days."""

from dataclasses import replace

import numpy as np
import pytest

from labformer.domains.nilm.simulate import simulate
from labformer.domains.nilm.split import first_and_last
from labformer.shared.errors import InputError

HOUSE = simulate(12, 0, appliances=("kettle",))


def test_the_parts_are_the_house_in_order_with_nothing_twice() -> None:
    (first,), (last,) = first_and_last([HOUSE])
    assert first.times[-1] < last.times[0]
    assert first.times.append(last.times).equals(HOUSE.times)
    np.testing.assert_array_equal(np.r_[first.mains_w, last.mains_w], HOUSE.mains_w)
    joined = np.r_[first.appliances_w["kettle"], last.appliances_w["kettle"]]
    np.testing.assert_array_equal(joined, HOUSE.appliances_w["kettle"])


def test_the_cut_lies_between_days_at_the_share_of_readings() -> None:
    (first,), (last,) = first_and_last([HOUSE])
    assert len(first.times) == 9 * 1440
    assert last.times[0].hour == last.times[0].minute == 0
    empty = replace(HOUSE, mains_w=np.where(np.arange(12 * 1440) < 4 * 1440, np.nan, HOUSE.mains_w))
    (first,), (last,) = first_and_last([empty])
    assert len(last.times) == 2 * 1440  # a quarter of the eight days that were read
    (first,), _ = first_and_last([HOUSE], 0.5)
    assert len(first.times) == 6 * 1440


def test_every_house_is_cut_by_its_own_readings() -> None:
    first, last = first_and_last([HOUSE, simulate(8, 1)])
    assert [len(one.times) // 1440 for one in (*first, *last)] == [9, 6, 3, 2]


@pytest.mark.parametrize("days", [0, 7])
def test_too_few_readings_are_refused(days: int) -> None:
    with pytest.raises(InputError, match=rf"simulated has {days}\.0 days of readings; 8"):
        first_and_last([HOUSE.rows(slice(0, days * 1440))])
    with pytest.raises(InputError, match="8 are needed"):
        first_and_last([replace(HOUSE, mains_w=HOUSE.mains_w * np.nan)])
