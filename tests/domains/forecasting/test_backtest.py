from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from labformer.domains.forecasting.backtest import run_backtest, split_history, truth_at
from labformer.domains.forecasting.baselines import SeasonalNaiveDay
from labformer.domains.forecasting.data import LoadData, read_load
from labformer.shared.datasets.split import refuse_shared_times
from labformer.shared.errors import InputError

DAY = 8  # rows of three hours


@pytest.fixture(scope="module")
def data(simulated: Callable[..., pd.DataFrame]) -> LoadData:
    return read_load(simulated(), targets="load")


@pytest.mark.parametrize("cut", [0, 3])
@pytest.mark.parametrize("horizon", [2, DAY, 12, 3 * DAY])
def test_parts_follow_each_other_and_hold_whole_forecasts_only(data: LoadData, horizon: int, cut: int) -> None:
    data = data.until(data.known - cut)
    parts = split_history(data, horizon, 2 * DAY, 1 / 6, 1 / 4)
    assert (parts.train.start, parts.train.stop) == (0, parts.validation.start)
    assert (parts.validation.stop, parts.test.stop) == (parts.test.start, data.known)
    rows = {
        "train": np.arange(parts.train.stop),
        "validation": (parts.validation_origins[:, None] + np.arange(horizon)).ravel(),
        "test": (parts.test_origins[:, None] + np.arange(horizon)).ravel(),
    }
    refuse_shared_times(**{name: data.times[found].tz_localize(None) for name, found in rows.items()})
    stride = min(DAY, horizon)
    # a part is as long as its forecasts, up to the wait for the hour of the day at which they start
    wait = 0 if horizon % stride == 0 else stride - 1
    for part, found in ((parts.validation, rows["validation"]), (parts.test, rows["test"])):
        assert part.start <= found.min() <= part.start + wait
        assert part.stop - wait <= found.max() + 1 <= part.stop
    every = np.concatenate([parts.validation_origins, parts.test_origins])
    assert set(every % stride) == {data.known % stride}
    assert len(parts.test_origins) == round(data.known / 4 / stride) - (wait > 0)


@pytest.mark.parametrize(("share", "horizon"), [(0.05, DAY), (0.49, DAY), (1 / 6, 30 * DAY)])
def test_parts_too_small_to_choose_or_to_learn_are_refused(data: LoadData, share: float, horizon: int) -> None:
    short = data.until(40 * DAY)
    with pytest.raises(InputError, match=r"too short a history.*at least 7.*(longer|shorter)"):
        split_history(short, horizon, 2 * DAY, share, 0.49)


class Diary(SeasonalNaiveDay):
    """A naive forecast that writes down in which order it was asked what."""

    def __init__(self, horizon: int) -> None:
        super().__init__(horizon)
        self.asked: list[tuple[str, int, int]] = []

    def fit(self, data: LoadData, train: slice, validation: slice) -> None:
        self.asked.append(("fit", train.stop, validation.stop))

    def refit(self, data: LoadData, rows: slice) -> None:
        self.asked.append(("refit", rows.start, rows.stop))

    def predict(self, data: LoadData, origins: np.ndarray) -> np.ndarray:
        self.asked.append(("predict", int(origins[0]), int(origins[-1])))
        return super().predict(data, origins)


def test_a_model_is_refitted_on_all_before_test_and_never_on_test(data: LoadData) -> None:
    parts = split_history(data, DAY, DAY, 1 / 6, 1 / 6)
    model = Diary(DAY)
    done = run_backtest(model, data, parts, (0.5, 0.9))
    assert model.asked == [
        ("fit", parts.validation.start, parts.test.start),
        ("predict", parts.validation_origins[0], parts.validation_origins[-1]),
        ("refit", 0, parts.test.start),
        ("predict", parts.test_origins[0], parts.test_origins[-1]),
    ]
    truth, real = truth_at(data, parts.test_origins, DAY)
    assert done.test.shape == truth.shape == (14, DAY, 1)
    assert real.all()
    np.testing.assert_array_equal(done.test[1:], truth[:-1])  # yesterday
