import numpy as np

from labformer.shared.report.plots_of_trust import error_by_group, level_over_time, reliability_bars
from labformer.shared.report.style import VERMILION

DAYS = np.datetime64("2000-06-05") + np.arange(10)


def test_a_quantile_that_breaks_its_promise_either_way_is_marked() -> None:
    figure = reliability_bars([0.1, 0.5, 0.9], [0.02, 0.52, 0.97], tolerance=0.04)
    (axes,) = figure.axes
    bars = axes.patches[1:]  # the first is the band
    np.testing.assert_allclose([bar.get_height() for bar in bars], [-8, 2, 7])
    assert bars[0].get_facecolor() == bars[2].get_facecolor() != bars[1].get_facecolor()
    assert [text.get_text() for text in axes.texts] == ["2.0 %", "52.0 %", "97.0 %"]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["10 %", "50 %", "90 %"]


def test_without_a_tolerance_nothing_is_judged() -> None:
    (axes,) = reliability_bars([0.1, 0.9], [0.5, 0.5]).axes
    assert axes.get_legend() is None
    assert len({bar.get_facecolor() for bar in axes.patches}) == 1


def test_the_chosen_model_is_bars_and_others_are_dashes_in_the_order_of_groups() -> None:
    names = [f"{hour:02d}" for hour in range(24)]
    figure = error_by_group(names, {"mine": np.arange(24.0), "naive": np.arange(24.0) + 5}, chosen="mine", unit="MW")
    (axes,) = figure.axes
    np.testing.assert_array_equal([bar.get_height() for bar in axes.patches], np.arange(24))
    (dashes,) = axes.lines
    np.testing.assert_array_equal(dashes.get_ydata(), np.arange(24) + 5)
    assert [tick.get_text() for tick in axes.get_xticklabels()] == names[::2]
    assert axes.get_ylim()[0] == 0


def test_a_level_beyond_its_limit_is_marked_and_only_then() -> None:
    level = np.r_[np.full(8, 0.9), 1.6, 1.7]
    (axes,) = level_over_time(DAYS, level, 1.5, quantity="error").axes
    marked = axes.lines[-1]
    assert marked.get_color() == VERMILION
    np.testing.assert_array_equal(marked.get_ydata(), [1.6, 1.7])
    np.testing.assert_array_equal(marked.get_xdata(), DAYS[8:])
    (calm,) = level_over_time(DAYS, level, 2.0).axes
    assert VERMILION not in [line.get_color() for line in calm.lines]
    assert calm.get_ylim()[1] > 2
