import numpy as np
import pandas as pd
import pytest
import torch

from labformer.domains.nilm.house import House
from labformer.domains.nilm.windows import HouseWindows, blend, cover, peaked


def counting(rows: int, gaps: tuple[int, ...] = (), first: float = 0.0) -> House:
    """Mains that count the rows, a kettle of half of it."""
    mains = (np.arange(rows) + first).astype(np.float32)
    mains[list(gaps)] = np.nan
    times = pd.date_range("2024-01-01", periods=rows, freq="min", tz="UTC")
    return House("counted", times, pd.Timedelta("1min"), mains, {"kettle": mains / 2})


def test_windows_never_hold_a_gap_nor_two_houses() -> None:
    houses = [counting(100, (30, 31, 70)), counting(57, first=1000.0)]
    data = HouseWindows(houses, ["kettle"], 20, 1.0)
    for _ in range(20):
        mains, calendar, power = data.batch(torch.arange(len(data)))
        steps = mains.diff(dim=-1)
        assert torch.equal(steps, torch.ones_like(steps))
        assert torch.equal(power, mains / 2)
        assert calendar.shape == (len(data), 8, 20)


def test_fixed_windows_do_not_overlap_and_random_ones_reach_every_window_that_fits() -> None:
    house = counting(100, (50,))
    fixed = HouseWindows([house], ["kettle"], 20, 1.0, offsets="fixed")
    firsts = fixed.batch(torch.arange(len(fixed))).mains[:, 0, 0]
    assert firsts.tolist() == [0, 20, 51, 71]
    drawn = HouseWindows([house], ["kettle"], 20, 1.0)
    assert len(drawn) == 4
    torch.manual_seed(0)
    seen = {int(first) for _ in range(400) for first in drawn.batch(torch.arange(4)).mains[:, 0, 0]}
    assert seen == {*range(31), *range(51, 81)}


def test_a_short_epoch_draws_its_rows_from_all_the_time_there_is() -> None:
    data = HouseWindows([counting(2000)], ["kettle"], 20, 1.0, rows=4)
    firsts = data.batch(torch.arange(4)).mains[:, 0, 0]
    assert (torch.floor(firsts / (1981 / 4)) == torch.arange(4)).all()


def test_what_is_not_metered_is_masked_or_counts_as_zero_as_asked() -> None:
    with_it, without = counting(40), counting(40, first=500.0)
    without = House(without.name, without.times, without.step, without.mains_w)
    masked = HouseWindows([with_it, without], ["kettle"], 20, 1.0, offsets="fixed")
    assert len(masked) == 2 and masked.batch(torch.arange(2)).mains.max() < 40
    zero = HouseWindows([with_it, without], ["kettle"], 20, 1.0, offsets="fixed", absent="zero")
    assert len(zero) == 4 and torch.equal(zero.batch(torch.tensor([2, 3])).power, torch.zeros(2, 1, 20))


def test_a_margin_is_seen_and_not_asked_for() -> None:
    batch = HouseWindows([counting(40)], ["kettle"], 20, 10.0, margin=9, offsets="fixed").batch(torch.tensor([3]))
    assert batch.mains[0, 0].tolist() == pytest.approx([(6 + row) / 10 for row in range(20)])
    assert batch.power[0, 0].tolist() == pytest.approx([0.75, 0.8])


def test_the_name_of_data_changes_with_the_data() -> None:
    names = {HouseWindows([counting(50, gaps)], ["kettle"], 8, scale).fingerprint() for gaps, scale in
             (((), 1.0), ((3,), 1.0), ((), 2.0))}  # fmt: skip
    assert len(names) == 3


@pytest.mark.parametrize("rows", [1, 7, 20, 33, 60, 61])
@pytest.mark.parametrize(("margin", "stride"), [(0, 10), (0, 20), (6, 8)])
def test_windows_that_cover_a_house_give_every_row_back(rows: int, margin: int, stride: int) -> None:
    house = counting(rows + 30, tuple(range(rows, rows + 5)))
    mains = torch.from_numpy(house.mains_w)
    windows = cover(house, 20, stride, margin)
    found = blend(windows, lambda at: mains[at][:, None, margin : 20 - margin], peaked(20 - 2 * margin), len(mains), 3)
    torch.testing.assert_close(found[0], mains, equal_nan=True)


def test_a_window_beyond_an_end_repeats_the_last_row_that_is_known() -> None:
    rows = cover(counting(5), 8, 4).rows
    assert rows.tolist() == [[0, 1, 2, 3, 4, 4, 4, 4]]
    assert cover(counting(6), 4, 2, 1).rows.tolist() == [[0, 0, 1, 2], [1, 2, 3, 4], [3, 4, 5, 5]]
