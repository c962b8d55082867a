"""Laws of the second pass's inputs: they follow the first answers, around the minute and over the house."""

import numpy as np
import pytest

from labformer.domains.nilm.context import BAND, LARGEST, MEANS, context

TIME, DAY = 4 * 1440, 1440
RNG = np.random.default_rng(5)
ROWS = np.sort(RNG.choice(TIME, 900, replace=False))
ABOVE = np.exp(RNG.uniform(np.log(300), np.log(3000), 900)).astype(np.float32)
ON = RNG.random(900).astype(np.float32)
EACH = 1 + len(MEANS) + len(LARGEST) + 3  # inputs an appliance gives


def test_each_appliance_gives_as_many_inputs_the_answer_itself_first() -> None:
    found = context([ON, 1 - ON], ROWS, ABOVE, TIME, TIME, DAY)
    assert found.shape == (900, 2 * EACH)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found[:, 0], ON)
    np.testing.assert_array_equal(found[:, EACH], 1 - ON)
    np.testing.assert_array_equal(found[:, :EACH], context([ON], ROWS, ABOVE, TIME, TIME, DAY))


def test_nothing_found_is_nothing_everywhere() -> None:
    assert not context([np.zeros(900, np.float32)], ROWS, ABOVE, TIME, TIME, DAY).any()


def test_surroundings_agree_with_their_definition() -> None:
    found = context([ON], ROWS, ABOVE, TIME, TIME, DAY)
    line = np.zeros(TIME)
    line[ROWS] = ON
    inner = np.flatnonzero((ROWS > 300) & (ROWS < TIME - 300))[::40]
    for place, (width, centre) in enumerate(MEANS, start=1):
        plainly = [line[ROWS[at] + centre - width // 2 :][:width].mean() for at in inner]
        np.testing.assert_allclose(found[inner, place], plainly, atol=1e-5)
    for place, width in enumerate(LARGEST, start=1 + len(MEANS)):
        plainly = [line[ROWS[at] - width // 2 :][:width].max() for at in inner]
        np.testing.assert_allclose(found[inner, place], plainly)


def test_a_level_at_which_the_house_has_a_kettle_is_told_from_one_at_which_it_has_none() -> None:
    above = np.where(np.arange(900) % 2, 2000, 1200).astype(np.float32)
    on = np.where(np.arange(900) % 2, 0.9, 0.0).astype(np.float32)
    found = context([on], ROWS, above, TIME, TIME, DAY)
    likely, favourite = found[:, EACH - 3], found[:, EACH - 2]
    assert likely[1] == pytest.approx(0.9, abs=0.02)  # 450 minutes outweigh the doubt
    assert favourite[1] == 1
    assert likely[0] < 0.01
    few = context([on[:2]], ROWS[:2], above[:2], TIME, TIME, DAY)
    assert few[1, EACH - 3] < 0.3  # a single minute is hardly believed


def test_a_level_reaches_only_the_bands_beside_it() -> None:
    above = 1000 * np.exp(BAND * np.arange(900) % 3).astype(np.float32)
    on = np.zeros(900, np.float32)
    on[0] = 1
    likely = context([on], ROWS, above, TIME, TIME, DAY)[:, EACH - 3]
    apart = np.abs(np.log(above / above[0])) / BAND
    assert likely[apart > 6].max() == 0
    assert likely[apart < 1].min() > 0


def test_steps_a_day_count_against_the_days_with_readings() -> None:
    whole = context([ON], ROWS, ABOVE, TIME, TIME, DAY)[:, EACH - 1]
    half = context([ON], ROWS, ABOVE, TIME, TIME // 2, DAY)[:, EACH - 1]
    np.testing.assert_allclose(whole, ON.sum() / 4, rtol=1e-5)
    np.testing.assert_allclose(half, 2 * whole, rtol=1e-5)
    assert np.isfinite(context([ON], ROWS, ABOVE, TIME, 0, DAY)).all()
    assert context([ON[:0]], ROWS[:0], ABOVE[:0], TIME, 0, DAY).shape == (0, EACH)
