import io
import subprocess
import sys

import numpy as np
import pytest

from labformer.shared.evaluation.comparison import Contender, compare
from labformer.shared.report import plots

STEP = np.arange(24)
TIME = np.datetime64("2000-06-05T00:00") + STEP * np.timedelta64(1, "h")


def drawn(figure) -> np.ndarray:
    """Render as a reader would see it; (row, column, colour)."""
    from matplotlib.image import imread

    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=50)
    buffer.seek(0)
    return imread(buffer)


@pytest.mark.parametrize("times", [TIME, STEP])
def test_the_fan_shows_past_forecast_nested_bands_and_truth(times) -> None:
    past, future = times[:12], times[12:]
    bands = [(0.5, STEP[12:] - 1, STEP[12:] + 1), (0.9, STEP[12:] - 3, STEP[12:] + 3)]
    figure = plots.forecast_fan(past, STEP[:12], future, STEP[12:], bands, STEP[12:] + 0.5, quantity="load", unit="MW")
    (axes,) = figure.axes
    by_name = {line.get_label(): line.get_ydata() for line in axes.lines}
    np.testing.assert_array_equal(by_name["history"], STEP[:12])
    np.testing.assert_array_equal(by_name["forecast"], STEP[12:])
    np.testing.assert_array_equal(by_name["what came"], STEP[12:] + 0.5)
    spans = [np.ptp(band.get_paths()[0].vertices[:, 1]) for band in axes.collections]
    assert spans == sorted(spans, reverse=True)  # the widest lies underneath
    assert [text.get_text() for text in axes.get_legend().get_texts()][:2] == ["90 % interval", "50 % interval"]
    assert axes.get_title(loc="left") == "load (MW)"
    assert drawn(figure).std() > 0


def test_paths_run_thin_over_the_intervals_under_one_name() -> None:
    paths = STEP[12:] + np.arange(5.0)[:, None]
    figure = plots.forecast_fan(STEP[:12], STEP[:12], STEP[12:], STEP[12:], paths=paths)
    (axes,) = figure.axes
    thin = [line for line in axes.lines if line.get_linewidth() < 1 and len(line.get_ydata()) == 12]
    np.testing.assert_array_equal([line.get_ydata() for line in thin], paths)
    assert [text.get_text() for text in axes.get_legend().get_texts()].count("possible paths") == 1


def test_the_chosen_model_is_drawn_strongest_and_errors_start_at_zero() -> None:
    figure = plots.error_by_step({"a": STEP + 1.0, "b": STEP + 2.0}, chosen="a", steps=(STEP + 1) / 2, unit="MW")
    (axes,) = figure.axes
    widths = {line.get_label(): line.get_linewidth() for line in axes.lines}
    assert widths["a"] > widths["b"]
    assert axes.get_ylim()[0] == 0
    np.testing.assert_array_equal(axes.lines[0].get_xdata(), (STEP + 1) / 2)


def test_coverage_stands_on_the_promise_and_a_shortfall_beyond_chance_is_marked() -> None:
    figure = plots.coverage_bars(["a", "b", "c"], [0.95, 0.88, 0.5], 0.9, windows=100)
    bars = figure.axes[0].patches[1:]  # the first is the band of chance
    assert [round(bar.get_y() + bar.get_height(), 6) for bar in bars] == [95, 88, 50]
    assert {bar.get_y() for bar in bars} == {90}
    colours = [bar.get_facecolor() for bar in bars]
    assert colours[0] == colours[1] != colours[2]


def test_a_tolerance_takes_the_place_of_chance() -> None:
    figure = plots.coverage_bars(["a", "b"], [0.87, 0.85], 0.9, windows=10, tolerance=0.04)
    (axes,) = figure.axes
    first, second = (bar.get_facecolor() for bar in axes.patches[1:])
    assert first != second
    assert "± 4 points" in [text.get_text() for text in axes.get_legend().get_texts()]


def test_a_legend_never_covers_the_title_of_its_plot() -> None:
    for long in range(1, 22, 4):
        figure = plots.error_by_step({f"{'m' * long}-{i}": STEP + i for i in range(5)}, metric="MAE" * 3, unit="MW")
        figure.draw_without_rendering()
        (axes,) = figure.axes
        title = next(
            text for text in axes.findobj(match=lambda o: getattr(o, "get_text", str)() == "MAE" * 3 + " (MW)")
        )
        assert not axes.get_legend().get_window_extent().overlaps(title.get_window_extent())


@pytest.mark.parametrize("windows", [1, 30])
def test_comparison_bars_stand_in_the_order_of_the_table(windows: int) -> None:
    rng = np.random.default_rng(0)
    models = [("naive", 8.0, "baseline"), ("ridge", 5.0, "simple"), ("wave", 6.0, "transformer")]
    result = compare([Contender(n, e, e * rng.gamma(50, 1 / 50, windows), r) for n, e, r in models])  # type: ignore[arg-type]
    figure = plots.comparison_bars(result)
    (axes,) = figure.axes
    assert [tick.get_text() for tick in axes.get_yticklabels()][::-1] == [row.model for row in result.rows]
    np.testing.assert_allclose([bar.get_width() for bar in axes.patches][::-1], [row.value for row in result.rows])
    assert drawn(figure).std() > 0


def test_the_calendar_is_symmetric_around_zero_and_leaves_gaps_empty() -> None:
    days = np.datetime64("2000-06-05") + np.arange(30)
    residual = np.random.default_rng(0).normal(size=(30, 24)) + 1
    residual[3] = np.nan
    figure = plots.residual_calendar(days, residual, [f"{hour:02d}:00" for hour in range(24)], unit="MW")
    image = figure.axes[0].images[0]
    low, high = image.get_clim()
    assert low == -high < 0
    assert image.get_array().shape == (24, 30)
    assert np.ma.getmaskarray(image.get_array())[:, 3].all()
    assert figure.axes[0].get_xticklabels()[0].get_text() == "5 Jun"
    assert drawn(figure).std() > 0


def test_nothing_heavy_is_imported_before_a_figure_is_asked_for() -> None:
    code = (
        "import sys, labformer.shared.report.page, labformer.shared.report.plots; "
        "sys.exit(bool({'matplotlib', 'jinja2', 'sklearn', 'scipy.stats', 'pandas'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_no_global_plotting_state_is_touched() -> None:
    code = (
        "import sys, numpy as np; from labformer.shared.report.plots import error_by_step; "
        "error_by_step({'a': np.ones(3)}); sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
