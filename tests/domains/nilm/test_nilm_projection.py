"""The law that appliances never take more than the mains, and that nothing else changes."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from labformer.domains.nilm.projection import within_mains

WATTS = st.floats(0, 20_000, width=32, allow_subnormal=False)


@settings(max_examples=150, deadline=None)
@given(arrays(np.float32, (4, 6), elements=WATTS), arrays(np.float32, 6, elements=WATTS))
def test_the_sum_never_exceeds_the_mains_in_either_precision(power: np.ndarray, mains: np.ndarray) -> None:
    found = within_mains({str(at): row for at, row in enumerate(power)}, mains)
    rows = np.stack(list(found.values()))
    assert rows.dtype == np.float32
    assert (rows.sum(0) <= mains).all()
    assert (rows[::-1].sum(0) <= mains).all()
    assert (rows.astype(np.float64).sum(0) <= mains).all()
    assert (rows >= 0).all()
    assert (rows <= power).all()
    below = power.astype(np.float64).sum(0) <= 0.999 * mains
    np.testing.assert_array_equal(rows[:, below], power[:, below])


def test_all_give_way_in_one_proportion() -> None:
    power = {"a": np.array([3000], np.float32), "b": np.array([1000], np.float32)}
    found = within_mains(power, np.array([2000], np.float32))
    np.testing.assert_allclose(found["a"], 1500, rtol=1e-5)
    np.testing.assert_allclose(found["b"], 500, rtol=1e-5)


def test_no_reading_no_power_and_feeding_back_leaves_none() -> None:
    power = {"a": np.array([100, np.nan, 100], np.float32)}
    found = within_mains(power, np.array([np.nan, 500, -300], np.float32))
    np.testing.assert_array_equal(found["a"], [np.nan, 0, 0])
