import numpy as np
import pytest

from labformer.shared.report.plots_of_matter import (
    drift_over_time,
    error_against_doubt,
    parity,
    radial_curves,
    spectra,
    weight_over_distance,
)
from labformer.shared.report.style import to_svg


def test_parity_draws_every_quantity_on_its_own_line_with_its_error() -> None:
    true = np.linspace(-1, 1, 50)
    figure = parity([("energy", "eV", true, true + 0.25), ("force", "eV/Å", true, np.where(true > 0, np.nan, true))])
    one, other = figure.axes
    assert [axes.texts[0].get_text() for axes in figure.axes] == ["MAE 0.25 eV", "MAE 0 eV/Å"]
    np.testing.assert_allclose(one.lines[1].get_ydata() - one.lines[1].get_xdata(), 0.25)
    assert len(other.lines[1].get_xdata()) == 25, "what is not finite is left out"
    assert one.get_title(loc="left") == "energy, predicted (eV)"


def test_parity_of_nothing_is_an_empty_square() -> None:
    (axes,) = parity([("energy", "eV", [], [])]).axes
    assert axes.texts[0].get_text() == "no values"


def test_a_drift_is_drawn_from_zero_with_its_line_and_its_limit() -> None:
    clock = np.linspace(0, 10, 400)
    (axes,) = drift_over_time(clock, 500 + 0.3 * clock + 0.1 * np.sin(40 * clock), limit=1.0).axes
    run, line = axes.lines
    assert run.get_ydata()[0] == 0
    assert line.get_ydata()[-1] - line.get_ydata()[0] == pytest.approx(3, abs=0.05)
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "± 1 meV/atom", "total energy", "line: +3 meV/atom",
    ]  # fmt: skip


def test_a_run_that_blew_up_is_drawn_as_far_as_it_went() -> None:
    energy = np.r_[np.zeros(50), np.full(50, np.nan)]
    (axes,) = drift_over_time(np.arange(100), energy).axes
    assert "+0" in axes.get_legend().get_texts()[-1].get_text()


def test_the_reference_is_filled_and_models_are_lines() -> None:
    waves = np.arange(100.0)
    lines = {name: (waves, np.exp(-((waves - at) ** 2) / 50)) for name, at in (("xtb", 40), ("model", 42))}
    (axes,) = spectra(lines, reference="xtb").axes
    assert len(axes.collections) == 1 and len(axes.lines) == 1
    assert axes.lines[0].get_xdata()[axes.lines[0].get_ydata().argmax()] == 42


@pytest.mark.parametrize("periodic", [True, False])
def test_each_kind_of_pair_has_a_row_that_shares_its_distances(periodic: bool) -> None:
    radii, curves = np.linspace(0, 6, 30), {"all": np.ones(30), "H-O": np.linspace(0, 2, 30)}
    figure = radial_curves(radii, curves, {"H-O": np.ones(30)}, periodic=periodic)
    first, last = figure.axes
    assert (len(first.collections), len(last.collections)) == (0, 1), "only one has a reference"
    assert len(first.lines) == 1 + periodic
    assert first.get_title(loc="left") == ("all, g(r)" if periodic else "all, density")
    assert last.get_xlabel() == "distance (Å)" and first.get_xlabel() == ""


def test_the_share_below_the_bound_stands_beside_the_promise() -> None:
    bound = np.linspace(0.1, 1, 100)
    error = np.where(np.arange(100) < 90, bound / 2, 2 * bound)
    (axes,) = error_against_doubt(bound, error, 0.9).axes
    words = [text.get_text() for text in axes.get_legend().get_texts()]
    assert words == ["bound: 90.0 % lie below (promised 90 %)", "mean error of each tenth"]
    tenths = axes.lines[-1]
    assert len(tenths.get_xdata()) == 10 and (np.diff(tenths.get_ydata()) > 0).all()


def test_bounds_that_were_not_given_are_said() -> None:
    (axes,) = error_against_doubt(np.full(5, np.nan), np.ones(5)).axes
    assert axes.texts[0].get_text() == "no bounds were given"


def test_weights_have_a_line_a_layer_and_the_level_of_indifference() -> None:
    figure = weight_over_distance(np.arange(5.0), {f"layer {k}": np.full(5, k) for k in range(7)}, even=0.2)
    (axes,) = figure.axes
    assert len(axes.lines) == 8 and axes.lines[-1].get_ydata()[0] == 0.2
    looks = {(line.get_color(), line.get_linestyle()) for line in axes.lines}
    assert len(looks) == 8, "each can be told from the others"
    assert "<svg" in to_svg(figure, "weights", "weights")
