import math

import pytest

from labformer.shared.learning.schedule import SCHEDULES, Moment, learning_rate


def rates(
    schedule: str, peak: float = 1.0, steps_per_epoch: int = 4, epochs: int = 12, **options: float
) -> list[float]:
    return [
        learning_rate(schedule, peak, Moment(step, steps_per_epoch, epochs, **options))
        for step in range(steps_per_epoch * epochs)
    ]


def test_halving_starts_late_so_that_two_epochs_run_at_the_full_rate() -> None:
    assert rates("halved", peak=8.0, epochs=5)[::4] == [8.0, 8.0, 4.0, 2.0, 1.0]


def test_restarts_follow_the_published_formula_once_an_epoch() -> None:
    expected = [1e-6 + (1e-3 - 1e-6) * (1 + math.cos(math.pi * (e % 5) / 5)) / 2 for e in range(12) for _ in range(4)]
    assert rates("restarts", peak=1e-3, final_rate=1e-6) == pytest.approx(expected, rel=1e-14)


def test_cosine_falls_from_the_peak_at_the_end_of_warm_up_to_the_final_rate_at_the_end_of_the_run() -> None:
    found = rates("cosine", peak=2.0, warmup=8, final_rate=0.5)
    assert found[8] == 2.0
    assert found[8:] == sorted(found[8:], reverse=True)
    assert found[8 + 20] == pytest.approx(1.25)  # half-way down: the mean of both ends
    after_the_end = learning_rate("cosine", 2.0, Moment(48, 4, 12, warmup=8, final_rate=0.5))
    assert after_the_end == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("validations", "rate"),
    [
        ((3.0, 2.0, 2.5, 2.5, 2.5), 1.0),  # three bad epochs are borne
        ((3.0, 2.0, 2.5, 2.5, 2.5, 2.0), 0.1),  # a tie is bad, too
        ((3.0, 2.0, 2.5, 2.5, 2.5, 1.9, 2.5, 2.5, 2.5), 1.0),  # a better one starts the count anew
        ((2.0,) + (3.0,) * 7, 0.1),
        ((2.0,) + (3.0,) * 8, 0.02),  # and never under the final rate
    ],
)
def test_a_plateau_of_more_than_three_epochs_divides_the_rate_by_ten(
    validations: tuple[float, ...], rate: float
) -> None:
    at = Moment(0, 4, 50, final_rate=0.02, validations=validations)
    assert learning_rate("plateau", 1.0, at) == pytest.approx(rate)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_warm_up_rises_linearly_and_then_leaves_the_schedule_alone(schedule: str) -> None:
    found = rates(schedule, warmup=3)
    assert found[:4] == pytest.approx([0.25, 0.5, 0.75, 1.0])
    if schedule != "cosine":  # only the cosine of steps is counted from the end of the warm-up
        assert found[3:] == rates(schedule)[3:]


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_no_schedule_leaves_the_span_between_final_rate_and_peak(schedule: str) -> None:
    assert all(0.01 * 0.5**10 <= rate <= 1.0 for rate in rates(schedule, final_rate=0.01))
    assert rates(schedule)[0] == 1.0
