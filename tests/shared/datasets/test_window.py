"""Laws of the windows: right rows, no copies."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from labformer.shared.datasets.split import split_at
from labformer.shared.datasets.window import WindowData, windows
from labformer.shared.errors import InputError


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 12), st.integers(1, 4))
def test_windows_hold_the_rows_that_they_name(lookback: int, horizon: int, more: int, series: int) -> None:
    time = lookback + horizon + more
    table = torch.arange(time * series, dtype=torch.float64).reshape(time, series)
    for values in (table, table.numpy()):
        past, future = windows(values, lookback, horizon)
        assert past.shape == (more + 1, lookback, series)
        assert future.shape == (more + 1, horizon, series)
        for start in range(more + 1):
            border = start + lookback
            np.testing.assert_array_equal(past[start], values[start:border])
            np.testing.assert_array_equal(future[start], values[border : border + horizon])


def test_windows_are_views_of_the_table() -> None:
    table = torch.zeros(1000, 3)
    past, future = windows(table, 300, 100)
    assert (
        past.untyped_storage().data_ptr() == future.untyped_storage().data_ptr() == table.untyped_storage().data_ptr()
    )
    table[5] = 7.0
    assert past[0, 5, 0] == past[5, 0, 0] == 7.0
    array = np.zeros((1000, 3))
    assert all(np.shares_memory(view, array) for view in windows(array, 300, 100))


def test_a_batch_is_what_the_windows_say_and_a_copy_of_its_own() -> None:
    table = torch.randn(50, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    data = WindowData(table, 8, 3)
    indices = torch.tensor([39, 0, 0, 17])
    assert len(data) == 40
    past, future = data.batch(indices)
    for member, start in enumerate(indices.tolist()):
        assert torch.equal(past[member], table[start : start + 8])
        assert torch.equal(future[member], table[start + 8 : start + 11])
    past.zero_()
    assert table.abs().min() > 0


def test_a_batch_holds_no_more_than_its_members() -> None:
    data = WindowData(torch.zeros(10_000, 5), 336, 96)
    past, future = data.batch(torch.arange(4))
    assert past.untyped_storage().nbytes() == 4 * 336 * 5 * 4
    assert future.untyped_storage().nbytes() == 4 * 96 * 5 * 4


def test_windows_of_a_part_are_as_many_as_the_split_says() -> None:
    table = torch.zeros(120, 1)
    for part in split_at((60, 90, 120), lookback=12):
        assert len(WindowData(table[part.rows], 12, 6)) == part.windows(12, 6)


@pytest.mark.parametrize("index", [-1, 40])
def test_an_index_outside_the_data_is_refused(index: int) -> None:
    with pytest.raises((IndexError, RuntimeError)):
        WindowData(torch.zeros(50, 2), 8, 3).batch(torch.tensor([index]))


def test_a_table_that_holds_no_window_is_refused() -> None:
    with pytest.raises(InputError, match="give at least 11"):
        windows(torch.zeros(10, 2), 8, 3)
    with pytest.raises(InputError, match="at least 1 step"):
        windows(torch.zeros(10, 2), 8, 0)
    with pytest.raises(InputError, match="table"):
        windows(np.zeros(10), 2, 3)
