"""Laws of the on-rules and of what counts as one use."""

import numpy as np
import pytest

from labformer.domains.nilm.appliances import APPLIANCES
from labformer.domains.nilm.states import full_rule, on_rule, pause_steps, runs, uses
from labformer.shared.errors import InputError


def full_rule_plainly(power, min_w, max_w, min_on, min_off, min_active):
    """Activation by activation, in the order of the rule."""
    found = []
    for step, one in enumerate(power):
        if min_w <= one <= max_w:
            if found and step - found[-1][1] <= min_off:
                found[-1][1] = step + 1
            else:
                found.append([step, step + 1])
    found = [one for one in found if one[1] - one[0] >= min_on]
    found = [one for one in found if one[1] - one[0] >= min_active]
    on = np.zeros(len(power), dtype=bool)
    for start, stop in found:
        on[start:stop] = True
    return on


def test_the_simple_rule_takes_both_ends_and_nothing_that_is_missing() -> None:
    kettle = APPLIANCES["kettle"]
    power = np.array([np.nan, 0, 499.9, 500, 2000, 6000, 6000.1])
    assert on_rule(power, kettle).tolist() == [False, False, False, True, True, True, False]


@pytest.mark.parametrize("durations", [(0, 0, 0), (1, 0, 1), (3, 2, 1), (2, 4, 5), (1, 30, 2)])
def test_the_full_rule_is_its_definition_step_by_step(durations) -> None:
    rng = np.random.default_rng(sum(durations))
    power = np.where(rng.random(2000) < 0.4, rng.uniform(0, 3000, 2000), 0)
    power[rng.random(2000) < 0.05] = np.nan
    np.testing.assert_array_equal(
        full_rule(power, 50, 2500, *durations), full_rule_plainly(power, 50, 2500, *durations)
    )


def test_uses_without_pauses_are_the_runs_and_runs_rebuild_the_states() -> None:
    on = np.random.default_rng(0).random(500) < 0.3
    np.testing.assert_array_equal(uses(on, 0), runs(on))
    rebuilt = np.zeros(500, dtype=bool)
    for start, stop in runs(on):
        rebuilt[start:stop] = True
    np.testing.assert_array_equal(rebuilt, on)


def test_a_longer_pause_never_makes_more_uses_and_keeps_first_and_last_step() -> None:
    on = np.random.default_rng(1).random(500) < 0.1
    found = [uses(on, pause) for pause in range(20)]
    assert all(len(more) >= len(fewer) for more, fewer in zip(found, found[1:], strict=False))
    assert all(one[0, 0] == found[0][0, 0] and one[-1, 1] == found[0][-1, 1] for one in found)
    assert all((one[1:, 0] - one[:-1, 1] > pause).all() for pause, one in enumerate(found))


def test_nothing_on_has_no_uses_and_always_on_has_one() -> None:
    assert uses(np.zeros(5, dtype=bool), 3).shape == (0, 2)
    assert uses(np.zeros(0, dtype=bool), 3).shape == (0, 2)
    assert uses(np.ones(5, dtype=bool), 0).tolist() == [[0, 5]]


def test_a_dishwasher_pauses_ninety_minutes_whatever_the_step() -> None:
    assert pause_steps(APPLIANCES["dishwasher"], 1) == 90
    assert pause_steps(APPLIANCES["dishwasher"], 30) == 3
    assert pause_steps(APPLIANCES["kettle"], 30) == 0


def test_a_duration_below_zero_is_refused() -> None:
    with pytest.raises(InputError, match="none below zero"):
        full_rule(np.zeros(4), 1, 2, 1, -1, 1)
