"""What is searched last: angles over a sine, and constants inside functions beside all low polynomials."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest

from labformer.domains.symbolic.hybrid.library import Ranges, Term
from labformer.domains.symbolic.hybrid.projection import dense
from labformer.domains.symbolic.hybrid.regression import Regression
from labformer.domains.symbolic.hybrid.rotations import rotations
from labformer.domains.symbolic.hybrid.smoothing import estimate_noise, smooth, spreads
from labformer.domains.symbolic.hybrid.weak import WeakForm, weak_form

spec = spec_from_file_location("symbolic_runs", Path(__file__).with_name("runs.py"))
assert spec is not None and spec.loader is not None
module = module_from_spec(spec)
spec.loader.exec_module(module)


def weak_and_ranges(equations: list[str], start: list[float], end: float) -> tuple[WeakForm, Ranges]:
    run = module.simulated(equations, start, end, 300)
    spread = spreads([run])
    curve = smooth(run, estimate_noise([run]), spread)
    low, high = curve.states.min(0), curve.states.max(0)
    ranges = Ranges(low, high, spread, tuple(range(run.dimension)))
    return weak_form([curve], spread, (0.03, 0.08, 0.2), run.states.size), ranges


def test_a_sine_is_a_denominator_only_where_it_keeps_from_zero() -> None:
    angle = np.linspace(0.4, 2.6, 50)[:, None]
    forms = {one.form for one in rotations((0,), angle)}
    assert {"1", "sin(x_0)", "sin(x_0)**2*cos(x_0)", "cos(x_0)*1/sin(x_0)"} <= forms
    assert not any("1/cos" in one for one in forms)
    assert not any("1/" in one.form for one in rotations((0,), angle - 0.5))
    assert rotations(tuple(range(5)), np.zeros((3, 5))) == []


def test_every_trigonometric_term_is_named_once_and_differs_from_the_others() -> None:
    draw = np.random.default_rng(0).uniform(0.3, 1.2, (400, 2))
    terms = rotations((0, 1), draw)
    assert len({one.form for one in terms}) == len(terms)
    polynomials = [one for one in terms if "1/" not in one.form]
    assert len(polynomials) == 25  # 1 + 4 + 8 + 12 by degree
    assert np.linalg.matrix_rank(np.stack([one.values(draw) for one in polynomials], 1)) == 25


def test_a_cotangent_is_found() -> None:
    weak, ranges = weak_and_ranges(["0.5*cos(x_0)/sin(x_0) - 0.2*sin(x_1)", "1.0*sin(x_0)"], [0.6, 0.3], 4)
    best = Regression(weak, ranges, 3, (1, 2, 3, 4), 16, 6).candidates(0)[0].component
    assert {one.form for one in best.terms} == {"cos(x_0)*1/sin(x_0)", "sin(x_1)"}


def test_two_saturations_are_found_with_their_constants() -> None:
    law = ["0.3 - 2.0*x_0/(0.15 + x_0) + 1.5*x_1/(0.4 + x_1)", "0.2*x_0 - 0.5*x_1"]
    weak, ranges = weak_and_ranges(law, [2.0, 0.1], 8)
    first = dense(weak, ranges, 0)[0]
    inner = {one.form: one.inner[0] for one in first if one.inner}
    assert inner["x_0/(A + x_0)"] == pytest.approx(0.15, rel=0.5)
    best = Regression(weak, ranges, 3, (2, 3), 16, 6).candidates(0)[0].component
    found = {one.form: one.inner for one in best.terms}
    assert set(found) == {"1", "x_0/(A + x_0)", "x_1/(A + x_1)"}
    assert found["x_0/(A + x_0)"][0] == pytest.approx(0.15, rel=0.02)
    assert found["x_1/(A + x_1)"][0] == pytest.approx(0.4, rel=0.02)


def test_a_term_of_the_live_states_gets_the_names_of_all() -> None:
    assert Term(("x_0", "sin(x_1 - x_0)")).renamed([2, 10]).factors == ("x_2", "sin(x_10 - x_2)")
