import numpy as np

from labformer.shared.evaluation.check import Check
from labformer.shared.report.laws import laws
from labformer.shared.report.plots_of_states import confusion_matrices, reliability_curves


def test_each_cell_says_its_count_and_its_share_of_the_true_state() -> None:
    figure = confusion_matrices({"kettle": [[990, 10], [5, 15]], "idle": [[7, 0], [0, 0]]}, ("off", "on"), unit="steps")
    kettle, idle = figure.axes
    assert [text.get_text() for text in kettle.texts] == ["990\n99.0 %", "10\n1.0 %", "5\n25.0 %", "15\n75.0 %"]
    assert [text.get_text() for text in idle.texts][2] == "0\n0.0 %"  # a state that never was
    assert kettle.get_title(loc="left") == "kettle (steps)"
    assert [tick.get_text() for tick in kettle.get_xticklabels()] == ["said off", "said on"]


def test_bins_without_cases_are_left_out_of_a_reliability_curve() -> None:
    figure = reliability_curves({"kettle": [0.1, np.nan, 0.9]}, {"kettle": [0.2, np.nan, 0.8]}, event="it runs")
    (axes,) = figure.axes
    diagonal, line = axes.lines
    np.testing.assert_array_equal(diagonal.get_xdata(), diagonal.get_ydata())
    np.testing.assert_allclose(line.get_xdata(), [10, 90])
    np.testing.assert_allclose(line.get_ydata(), [20, 80])
    assert axes.get_xlabel() == "stated probability that it runs (%)"


def test_a_law_that_is_broken_stands_out() -> None:
    section = laws([Check("one", True, "0"), Check("two", False, "by 7")], "an answer")
    assert section.text == "Laws an answer must obey, tried on this data."
    assert section.table is not None
    assert [row[1] for row in section.table.rows] == ["holds", "BROKEN"]
