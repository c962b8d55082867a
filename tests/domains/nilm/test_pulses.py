"""Laws of what is looked at around a heating: differences only, found whatever runs on top, the same at every time."""

import numpy as np
import pytest

from labformer.domains.nilm.pulses import SIGHT, heating_of, opened, pulse_features
from labformer.domains.nilm.simulate import simulate

MAINS = np.rint(simulate(2, 3).mains_w)  # whole watts are exact in single precision
ROWS = np.arange(400, len(MAINS) - 400, 7)


@pytest.fixture(scope="module")
def seen() -> np.ndarray:
    return pulse_features(MAINS, ROWS)


def wash(kettle_at: int | None = None, bumps: int = 0) -> np.ndarray:
    """A heating of 20 minutes from step 500 on, with a kettle on top, and with spins after it."""
    mains = np.full(1200, 150, np.float32)
    mains[500:520] += 2000
    if kettle_at is not None:
        mains[kettle_at : kettle_at + 3] += 2500
    for place in range(bumps):
        mains[560 + 10 * place : 562 + 10 * place] += 280
    return mains


def test_every_row_has_the_same_finite_inputs(seen: np.ndarray) -> None:
    assert seen.dtype == np.float32
    assert len(seen) == len(ROWS)
    assert np.isfinite(seen).all()
    assert (seen.std(0) > 0).all()  # none of them is always the same
    assert pulse_features(MAINS, ROWS[:0]).shape == (0, seen.shape[1])


def test_a_constant_load_changes_nothing(seen: np.ndarray) -> None:
    np.testing.assert_allclose(pulse_features(MAINS + 100, ROWS), seen, atol=0.05)


def test_rows_far_from_a_change_do_not_see_it(seen: np.ndarray) -> None:
    changed, place = MAINS.copy(), 1500
    changed[place : place + 10] += 5000
    again = pulse_features(changed, ROWS)
    far = np.abs(ROWS - place) > SIGHT
    np.testing.assert_allclose(again[far], seen[far], atol=0.05)
    near = np.abs(ROWS - place) < 30
    assert (np.abs(again[near] - seen[near]).max(1) > 100).all()


def test_a_later_start_shifts_the_rows(seen: np.ndarray) -> None:
    shift = 33
    later = np.concatenate([np.full(shift, MAINS[0]), MAINS])
    inner = ROWS > 2 * SIGHT
    np.testing.assert_allclose(pulse_features(later, ROWS + shift)[inner], seen[inner], atol=0.05)
    np.testing.assert_array_equal(pulse_features(MAINS, ROWS[5:9]), seen[5:9])


def test_what_is_short_is_taken_off_and_nothing_is_added() -> None:
    for width in (1, 2, 5, 6):
        low = opened(MAINS, width)
        assert (low <= MAINS).all()
        np.testing.assert_array_equal(opened(low, width), low)  # once is enough
    assert opened(wash(kettle_at=800), 6).max() == 2150
    assert opened(wash(), 6).sum() == wash().sum()


def test_a_heating_is_found_from_each_of_its_minutes_with_or_without_a_kettle_on_top() -> None:
    at = np.arange(500, 520)
    for mains in (wash(), wash(kettle_at=507), wash(kettle_at=510, bumps=4)):
        found = heating_of(opened(mains, 6), np.full(len(mains), 150, np.float32), at, 90)
        np.testing.assert_array_equal(found.first, 500)
        np.testing.assert_array_equal(found.last, 519)
        np.testing.assert_allclose(found.level_w, 2000)
    alone = heating_of(opened(wash(), 6), np.full(1200, 150, np.float32), np.array([300]), 90)
    assert alone.first[0] == alone.last[0] == 300  # nothing runs there


def test_each_minute_of_a_heating_sees_the_same_spins_after_it() -> None:
    """What the inputs of `features` cannot show: they count from each minute."""
    at = np.arange(500, 520)
    without, with_spins = pulse_features(wash(), at), pulse_features(wash(bumps=4), at)
    changed = np.flatnonzero(np.abs(with_spins - without).max(0) > 1e-3)
    assert len(changed) >= 10
    moved = (with_spins - without)[:, changed]
    np.testing.assert_allclose(moved, np.broadcast_to(moved[0], moved.shape), atol=1e-2)


def test_the_next_heating_is_so_far_away_so_high_and_so_long() -> None:
    mains = wash()
    mains[560:575] += 2200
    seen = pulse_features(mains, np.array([510]))[0]
    gap, high, long, alike = seen[-8:-4]  # the next one; then the one after it, which there is not
    assert gap == 50
    assert high == pytest.approx(2200)
    assert long == 15
    assert alike == pytest.approx(1.1)
    np.testing.assert_array_equal(seen[-4:], [240, 0, 0, -1])


@pytest.mark.parametrize("minutes", [5, 15, 30])
def test_longer_steps_have_inputs_of_the_same_kind(minutes: int) -> None:
    mains = np.rint(simulate(60, 3, step=f"{minutes}min").mains_w)
    rows = np.arange(100, len(mains) - 100, 3)
    seen = pulse_features(mains, rows, minutes)
    assert np.isfinite(seen).all()
    np.testing.assert_allclose(pulse_features(mains + 100, rows, minutes), seen, atol=0.05)
