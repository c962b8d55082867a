import numpy as np
import pytest

from labformer.shared.report.plots_of_inputs import importance_bars, response_curve, share_areas

STEP = np.arange(1.0, 25)


def test_shares_fill_the_whole_height_at_every_step_the_largest_below() -> None:
    small = np.linspace(0.1, 0.3, 24)
    figure = share_areas({"small": small, "large": 1 - small}, STEP)
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["large", "small"]
    low, top = (area.get_paths()[0].vertices[:, 1] for area in axes.collections)
    assert low.min() == 0
    assert top.max() == pytest.approx(100)
    assert low.max() == pytest.approx(90)
    assert axes.get_ylim() == (0, 100)
    assert axes.get_xlim() == (0.5, 24.5)


@pytest.mark.parametrize("names", [["load"], ["load", "weather", "holiday", "unused"]])
def test_bars_stand_in_order_and_what_is_not_used_is_said_so(names: list[str]) -> None:
    growth = np.array([2.5, 0.4, -0.02, 0.0])[: len(names)]
    figure = importance_bars(names, growth, growth - 0.1, growth + 0.1)
    (axes,) = figure.axes
    assert [tick.get_text() for tick in axes.get_yticklabels()][::-1] == names
    np.testing.assert_allclose([bar.get_width() for bar in axes.patches][::-1], 100 * growth)
    said = [text.get_text() for text in axes.texts][::-1]
    assert said == ["+250 %", "+40 %", "-2 %", "0 %"][: len(names)]
    left, right = axes.get_xlim()
    assert left <= 100 * (growth - 0.1).min()
    assert right > 100 * (growth + 0.1).max()


def test_dots_are_what_was_observed_and_each_place_has_its_line() -> None:
    x = np.array([0.0, 10, 20, np.nan])
    places = np.array([[-1.0, 0, 1], [9, 10, 11]])
    seen = {"work": (x, x**2), "off": (x, x**2 - 50)}
    figure = response_curve(
        seen, {"work": (places, 3 * places), "off": (places, places)}, input_name="temperature", input_unit="°C",
        quantity="load", unit="MW",
    )  # fmt: skip
    (axes,) = figure.axes
    dots, *lines = axes.lines[:3]
    np.testing.assert_array_equal(dots.get_ydata(), x**2)
    np.testing.assert_array_equal([line.get_ydata() for line in lines], 3 * places)
    named = [text.get_text() for text in axes.get_legend().get_texts()]
    assert named == ["work, observed", "work, forecast", "off, observed", "off, forecast"]
    assert axes.get_xlabel() == "temperature (°C)"
    assert axes.get_title(loc="left") == "load (MW)"
    assert lines[0].get_color() == dots.get_color() != axes.lines[3].get_color()
