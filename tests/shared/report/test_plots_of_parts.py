import numpy as np
import pytest

from labformer.shared.report.plots_of_parts import stacked_areas, stacked_bars, week_maps

TIME = np.arange("2024-01-01T00:00", "2024-01-01T01:00", dtype="datetime64[m]")


def test_parts_are_stacked_step_by_step_under_the_whole() -> None:
    kettle, oven = np.zeros(60), np.zeros(60)
    kettle[10], oven[10:30] = 2000, 1000
    whole = kettle + oven + 150
    figure = stacked_areas(
        TIME, {"kettle": kettle, "oven": oven}, whole, whole_name="mains", quantity="power", unit="W"
    )
    (axes,) = figure.axes
    first, second, rest = (area.get_paths()[0].vertices[:, 1] for area in axes.collections)
    assert (first.min(), first.max()) == (0, 2000)  # a part of a single step is drawn too
    assert second.max() == 3000
    assert (rest.min(), rest.max()) == (0, 3150)
    np.testing.assert_array_equal(axes.lines[0].get_ydata()[::2], whole)
    named = [text.get_text() for text in axes.get_legend().get_texts()]
    assert named == ["kettle", "oven", "the rest", "mains"]
    assert axes.get_title(loc="left") == "power (W)"


def test_missing_steps_leave_a_gap_in_the_whole_and_nothing_in_parts() -> None:
    whole = np.full(60, 150.0)
    whole[20:30] = np.nan
    part = np.where(np.isnan(whole), np.nan, 100)
    (axes,) = stacked_areas(TIME, {"part": part}, whole).axes
    assert np.isnan(axes.lines[0].get_ydata()).sum() == 20  # both ends of each step
    assert max(path.vertices[:, 1].max() for path in axes.collections[0].get_paths()) == 100


def test_bars_stand_on_each_other_with_the_interval_of_their_sum() -> None:
    figure = stacked_bars(["Jan", "Feb"], {"a": [1, 2], "b": [3, np.nan]}, [3, 3], [6, 5], [4.5, 2.5], unit="kWh")
    (axes,) = figure.axes
    assert [(bar.get_y(), bar.get_height()) for bar in axes.patches] == [(0, 1), (0, 2), (1, 3), (2, 0)]
    (ends,) = axes.collections
    np.testing.assert_allclose([segment[:, 1] for segment in ends.get_segments()], [[3, 6], [3, 5]])
    assert [text.get_text() for text in axes.get_legend().get_texts()].count("as metered") == 1
    assert not stacked_bars(["Jan"], {"a": [1]}).axes[0].collections


def test_each_week_is_shaded_up_to_its_own_largest_value() -> None:
    maps = {"kettle": np.arange(168.0).reshape(7, 24), "idle": np.zeros((7, 24))}
    figure = week_maps(maps, unit="W")
    kettle, idle = figure.axes
    assert kettle.images[0].get_clim() == (0, 167)
    assert idle.images[0].get_clim()[1] == pytest.approx(1)
    assert kettle.get_xlabel() == "hour; darkest: 167 W"
    assert [tick.get_text() for tick in kettle.get_yticklabels()][0] == "Mon"
