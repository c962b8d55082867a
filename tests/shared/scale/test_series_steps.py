import numpy as np
import pandas as pd
import pytest

from labformer.shared.errors import InputError
from labformer.shared.scale.steps import regular_steps

HOURS = pd.date_range("2024-01-01", periods=50, freq="1h")


def test_times_in_any_order_with_some_missing_span_one_grid() -> None:
    kept = np.delete(HOURS.asi8, [3, 4, 20])
    assert regular_steps(np.random.default_rng(0).permutation(kept), "it").equals(HOURS)


@pytest.mark.parametrize(
    ("stamps", "said"),
    [
        (HOURS.asi8[:1], r"it has 1 time\(s\)"),
        (np.append(HOURS.asi8, HOURS.asi8[-1] + 60 * 10**9), "1 of 51 times .* the first 2024-01-03 01:01:00"),
        (
            np.append(HOURS.asi8, pd.Timestamp("2204-01-01").value),
            "nothing stands between 2024-01-03 01:00:00 and 2204",
        ),
    ],
)
def test_times_that_are_no_grid_are_refused_by_the_first_at_fault(stamps: np.ndarray, said: str) -> None:
    with pytest.raises(InputError, match=said):
        regular_steps(stamps, "it")
