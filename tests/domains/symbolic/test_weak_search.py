"""The weak form and the searches."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest

from labformer.domains.symbolic.hybrid.library import Ranges, polynomials, tier
from labformer.domains.symbolic.hybrid.search import backward, beam
from labformer.domains.symbolic.hybrid.smoothing import estimate_noise, smooth, spreads
from labformer.domains.symbolic.hybrid.weak import weak_form, windows

spec = spec_from_file_location("symbolic_runs", Path(__file__).with_name("runs.py"))
assert spec is not None and spec.loader is not None
module = module_from_spec(spec)
spec.loader.exec_module(module)
simulated = module.simulated


def test_windows_integrate_by_parts():
    points, step = 800, 0.01
    phi, slope, spans = windows(points, step, (0.05, 0.2))
    times = step * np.arange(points)
    x, velocity = np.sin(3 * times), 3 * np.cos(3 * times)
    np.testing.assert_allclose(phi @ velocity, -(slope @ x), atol=5e-5)
    np.testing.assert_allclose(phi @ np.ones(points), 1.0)
    assert (spans > 0).all()


def test_the_true_law_leaves_less_than_the_floor():
    run = simulated(["-2.0*x_1", "1.5*x_0 - 0.3*x_1*x_0"], [1.0, 0.2], 10)
    curve = smooth(run, estimate_noise([run]), spreads([run]))
    weak = weak_form([curve], spreads([run]), (0.05, 0.2), run.states.size)
    x = weak.states
    right = [-2.0 * x[:, 1], 1.5 * x[:, 0] - 0.3 * x[:, 1] * x[:, 0]]
    for j, one in enumerate(right):
        rest = weak.responses[j] - weak.whiten(weak.project(one[:, None]), j)[:, 0]
        assert (rest**2).mean() < 1.0


@pytest.mark.parametrize("way", ["forward", "backward"])
def test_both_searches_find_a_sparse_sum(way):
    draw = np.random.default_rng(0)
    matrix = draw.standard_normal((60, 15)) + draw.standard_normal((60, 1))  # correlated columns
    response = 2 * matrix[:, 3] - matrix[:, 7] + 0.5 * matrix[:, 11]
    if way == "forward":
        found = beam(matrix, response, range(15), np.zeros(15), 8, 4)
    else:
        found = backward(matrix, response, 4)
    assert min((one for one in found if len(one.columns) == 3), key=lambda one: one.rest).columns == (3, 7, 11)


def test_columns_of_one_form_exclude_each_other():
    matrix = np.random.default_rng(0).standard_normal((30, 4))
    found = beam(matrix, matrix.sum(1), [0, 0, 1, 1], np.zeros(4), 8, 4)
    assert max(len(one.columns) for one in found) == 2


def test_the_library_keeps_to_what_the_data_allow():
    signed = Ranges(np.array([-1.0]), np.array([1.0]), np.array([0.5]), (0,))
    forms = {one.form for one in tier(signed, 2)}
    assert not any(part in form for form in forms for part in ("log(", "sqrt(", "1/x_0"))
    positive = Ranges(np.array([0.5]), np.array([1.0]), np.array([0.2]), (0,))
    assert {"log(x_0)", "sqrt(x_0)", "1/x_0"} <= {one.form for one in tier(positive, 2)}
    costs = {one.form: one.cost for one in polynomials(positive, 3)}
    assert costs["1"] < costs["x_0"] < costs["x_0**2"] < costs["x_0**3"]
