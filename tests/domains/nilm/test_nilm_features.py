"""Laws of the inputs of boosted trees: differences only, seen only nearby, the same at every time."""

import numpy as np
import pytest

from labformer.domains.nilm.features import features, quiet_level, steps_of, without_gaps
from labformer.domains.nilm.simulate import simulate

SIGHT = 300  # steps that matter: 240 around, and the quiet level of an hour there
MAINS = np.rint(simulate(2, 3).mains_w)  # whole watts are exact in single precision
ROWS = np.arange(400, len(MAINS) - 400, 7)


@pytest.fixture(scope="module")
def seen() -> np.ndarray:
    return features(MAINS, ROWS)


def test_every_row_has_the_same_finite_inputs(seen: np.ndarray) -> None:
    assert seen.dtype == np.float32
    assert len(seen) == len(ROWS)
    assert np.isfinite(seen).all()
    assert (seen.std(0) > 0).all()  # none of them is always the same
    assert features(MAINS, ROWS[:0]).shape == (0, seen.shape[1])


def test_a_constant_load_changes_nothing(seen: np.ndarray) -> None:
    np.testing.assert_array_equal(features(MAINS + 100, ROWS), seen)
    rounded = np.abs(features(MAINS + np.float32(0.3), ROWS) - seen)
    assert (rounded > 0.01).mean() < 1e-3  # counts whose limit falls between two roundings


def test_rows_far_from_a_change_do_not_see_it(seen: np.ndarray) -> None:
    changed, place = MAINS.copy(), 1500
    changed[place] += 5000
    again = features(changed, ROWS)
    far = np.abs(ROWS - place) > SIGHT
    np.testing.assert_allclose(again[far], seen[far], atol=0.01)
    near = np.abs(ROWS - place) < 60
    assert (np.abs(again[near] - seen[near]).max(1) > 100).all()


def test_an_answer_does_not_depend_on_which_rows_are_asked_together(seen: np.ndarray) -> None:
    np.testing.assert_array_equal(features(MAINS, ROWS[5:9]), seen[5:9])


def test_a_later_start_shifts_the_rows(seen: np.ndarray) -> None:
    shift = 33
    later = np.concatenate([np.full(shift, MAINS[0]), MAINS])
    np.testing.assert_allclose(features(later, ROWS + shift), seen, atol=0.01)


def test_the_past_and_the_future_mirror_each_other() -> None:
    """A spike seen an hour before and one seen an hour after change as many inputs."""
    flat = np.full(1201, 100, np.float32)
    moved = []
    for place in (540, 660):
        spiked = flat.copy()
        spiked[place] = 2100
        moved.append(np.sort(np.abs(features(spiked, np.array([600])) - features(flat, np.array([600])))))
    assert (moved[0] > 1).sum() > 10
    assert abs((moved[0] > 1).sum() - (moved[1] > 1).sum()) <= 6  # windows of an even width lean one step


def test_gaps_are_filled_with_the_quiet_level_so_nothing_runs_there() -> None:
    holed = MAINS.copy()
    holed[:50], holed[700:1500], holed[2000:2003], holed[-90:] = (np.nan,) * 4
    filled, real = without_gaps(holed), np.isfinite(holed)
    assert np.isfinite(filled).all()
    assert filled.dtype == np.float32
    np.testing.assert_array_equal(filled[real], holed[real])
    for gap, beside in ((slice(0, 50), [50]), (slice(700, 1500), [699, 1500]), (slice(2000, 2003), [1999, 2003])):
        assert filled[gap].min() >= np.nanmin(holed)
        assert filled[gap].max() <= holed[beside].max()
    assert filled[-90:].max() <= holed[-91]
    np.testing.assert_allclose(without_gaps(holed + 100) - 100, filled, atol=1e-3)


def test_whole_mains_stay_and_missing_ones_become_nothing() -> None:
    assert without_gaps(MAINS) is MAINS
    assert not without_gaps(np.full(7, np.nan, np.float32)).any()
    kettle = np.full(500, 80, np.float32)
    kettle[240:243] = np.nan
    np.testing.assert_array_equal(without_gaps(kettle), 80)


def test_the_quiet_level_is_the_lowest_reading_around() -> None:
    plainly = [MAINS[max(0, at - 20) : at + 21].min() for at in range(300)]
    np.testing.assert_array_equal(quiet_level(MAINS, 20)[:300], plainly)


@pytest.mark.parametrize("minutes", [5, 15, 30])
def test_longer_steps_have_inputs_of_the_same_kind(minutes: int) -> None:
    mains = np.rint(simulate(60, 3, step=f"{minutes}min").mains_w)
    rows = np.arange(100, len(mains) - 100, 3)
    seen = features(mains, rows, minutes)
    assert np.isfinite(seen).all()
    np.testing.assert_array_equal(features(mains + 100, rows, minutes), seen)
    changed, place = mains.copy(), len(mains) // 2
    changed[place] += 5000
    far = np.abs(rows - place) * minutes > max(SIGHT, 30 * minutes)
    np.testing.assert_allclose(features(changed, rows, minutes)[far], seen[far], atol=0.01)


def test_minutes_become_steps_only_where_steps_are_longer() -> None:
    assert [steps_of(60, step) for step in (1 / 6, 1, 10, 30)] == [60, 60, 6, 2]
    assert steps_of(5, 30) == 1
    assert steps_of(60, 30, 6) == 6
