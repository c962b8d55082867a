"""Laws of the splits: in time and by group."""

import numpy as np
import pytest

from labformer.shared.datasets.split import (
    refuse_shared_groups,
    refuse_shared_times,
    split_at,
    split_by_group,
    split_in_parts,
)
from labformer.shared.errors import InputError

HOURLY = (8640, 11520, 14400)


@pytest.mark.parametrize("lookback", [0, 96, 336, 512])
def test_the_first_forecast_of_a_part_begins_at_its_border(lookback: int) -> None:
    split = split_at(HOURLY, lookback, rows=17420)
    assert [part.stop for part in split] == list(HOURLY)
    for part in (split.validation, split.test):
        assert part.start + lookback == part.border
        assert part.rows == slice(part.border - lookback, part.stop)
    assert split.train.stop == split.validation.border
    assert split.validation.stop == split.test.border


@pytest.mark.parametrize("lookback", [1, 96, 720])
def test_the_number_of_test_windows_does_not_depend_on_the_lookback(lookback: int) -> None:
    test = split_at(HOURLY, lookback).test
    assert test.windows(lookback, 96) == 2785
    assert test.windows(lookback, 2880) == 1
    assert test.windows(lookback, 2881) == 0


def test_parts_are_rounded_as_in_the_published_comparisons() -> None:
    split = split_in_parts(966, lookback=104)
    assert [part.stop - part.border for part in split] == [676, 97, 193]
    assert [part.stop for part in split_in_parts(10)] == [7, 8, 10]
    # 0.29 * 100 is 28.999999999999996 in floating point; 29 rows are meant
    assert split_in_parts(100, train=0.29).train.stop == 29


@pytest.mark.parametrize(
    ("borders", "lookback", "rows"),
    [((5, 5, 9), 0, None), ((0, 5, 9), 0, None), ((5, 7, 9), 0, 8), ((5, 7, 9), 6, None), ((5, 7, 9), -1, None)],
)
def test_borders_that_cannot_be_are_refused(borders: tuple[int, int, int], lookback: int, rows: int | None) -> None:
    with pytest.raises(InputError):
        split_at(borders, lookback, rows)


def test_a_table_too_short_for_three_parts_is_refused() -> None:
    with pytest.raises(InputError, match="too few"):
        split_in_parts(3)
    with pytest.raises(InputError, match="none for validation"):
        split_in_parts(100, train=0.8, test=0.2)


def test_groups_are_dealt_whole_and_every_row_has_one_part() -> None:
    labels = np.random.default_rng(0).integers(0, 40, 500).tolist()
    split = split_by_group(labels, {"train": 0.7, "validation": 0.1, "test": 0.2}, seed=3)
    assert sorted(np.concatenate(list(split.values()))) == list(range(500))
    refuse_shared_groups(**{part: [labels[row] for row in rows] for part, rows in split.items()})
    assert len({labels[row] for row in split["test"]}) == 8


def test_the_deal_of_a_group_does_not_depend_on_the_order_of_the_rows() -> None:
    labels = [f"house {number % 10}" for number in range(60)]
    shares = {"train": 0.5, "test": 0.5}

    def home(names: list[str]) -> dict[str, str]:
        return {names[row]: part for part, rows in split_by_group(names, shares, seed=1).items() for row in rows}

    assert home(labels) == home(labels[::-1])
    assert set(home(labels).values()) == {"train", "test"}


def test_shares_must_add_up_and_leave_no_part_empty() -> None:
    with pytest.raises(InputError, match="add up"):
        split_by_group(["a", "b"], {"train": 0.5, "test": 0.4})
    with pytest.raises(InputError, match="nothing is left for validation"):
        split_by_group(["a", "b"], {"train": 0.5, "validation": 0.05, "test": 0.45})


def test_a_leak_in_time_is_found() -> None:
    hours = np.datetime64("2020-01-01T00") + np.arange(100)
    refuse_shared_times(train=hours[:60], validation=hours[60:80], test=hours[80:])
    with pytest.raises(InputError, match="train reaches to 2020-01-03T12, but test begins at 2020-01-03T12"):
        refuse_shared_times(train=hours[:61], validation=hours[:0], test=hours[60:])
    with pytest.raises(InputError, match="leaks"):
        refuse_shared_times(train=hours[::2], test=hours[1::2])


def test_a_leak_between_groups_is_found() -> None:
    refuse_shared_groups(train=["a", "a", "b"], test=["c"])
    with pytest.raises(InputError, match="'b' is in train and in test"):
        refuse_shared_groups(train=["a", "b"], test=["b", "c"])
