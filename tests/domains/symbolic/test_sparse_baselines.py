"""Baselines find a polynomial law from clean data, take several runs, and name the extra they need."""

import sys

import numpy as np
import pytest

from labformer.domains.symbolic.judging.odebench import odebench
from labformer.domains.symbolic.judging.scoring import fit_quality
from labformer.domains.symbolic.judging.structure import recovered
from labformer.domains.symbolic.models.operon import fit_operon, formula
from labformer.domains.symbolic.models.pysindy_baseline import KINDS, fit_pysindy
from labformer.domains.symbolic.models.stlsq import derivative, fit_stlsq, monomials, noise
from labformer.domains.symbolic.trajectory import Trajectory
from labformer.shared.errors import InputError, MissingExtra

HUNT = odebench()[26]  # Lotka and Volterra's
GROWTH = odebench()[5]


def test_stlsq_finds_lotka_and_volterras_law() -> None:
    assert recovered(HUNT.system, fit_stlsq(HUNT.runs[:1]))
    assert recovered(HUNT.system, fit_stlsq(HUNT.runs))


@pytest.mark.parametrize("kind", KINDS)
def test_pysindy_retells_a_polynomial_law(kind: str) -> None:
    pytest.importorskip("pysindy")
    assert fit_quality(fit_pysindy(HUNT.runs, (kind,)), HUNT.runs) > 0.99


def test_pysindy_takes_runs_of_other_times_and_repeats_itself() -> None:
    pytest.importorskip("pysindy")
    short = HUNT.runs[1].rows(slice(0, 300))
    first = fit_pysindy([HUNT.runs[0], short], ("polynomial", "weak"))
    assert fit_quality(first, [short]) > 0.99
    state = np.random.get_state()[1].copy()  # type: ignore[union-attr,index]  # noqa: NPY002
    one, two = (fit_pysindy(GROWTH.runs[:1], ("weak",)) for _ in range(2))
    assert one == two
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002


def test_operon_retells_growth() -> None:
    pytest.importorskip("pyoperon")
    assert fit_quality(fit_operon(GROWTH.runs[:1], seconds=1, evaluations=20_000), GROWTH.runs[:1]) > 0.99


def test_operon_keeps_a_state_that_stands_still() -> None:
    pytest.importorskip("pyoperon")
    times = np.linspace(0, 3, 60)
    run = Trajectory(times, np.stack([np.exp(-times), np.full(60, 2.0)], 1))
    assert fit_operon([run], seconds=1, evaluations=20_000).equations[1] == 0


def test_operons_formulas_are_read_and_nothing_else() -> None:
    assert str(formula("((1.5 * x_0) + sin(x_1))", 2)) == "1.5*x_0 + sin(x_1)"
    for text in ("nan", "(inf * x_0)", "__import__('os')"):
        with pytest.raises(InputError):
            formula(text, 1)


@pytest.mark.parametrize(("package", "fit"), [("pysindy", fit_pysindy), ("pyoperon", fit_operon)])
def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch, package: str, fit: object) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtra, match=r"pip install \"labformer\[symbolic\]\""):
        fit(GROWTH.runs[:1])  # type: ignore[operator]


def test_derivatives_of_a_known_curve() -> None:
    times = np.sort(np.random.default_rng(0).uniform(0, 6, 400))
    clean = Trajectory(times, np.sin(times))
    noisy = Trajectory(times, np.sin(times) + np.random.default_rng(1).normal(0, 0.02, 400))
    assert np.abs(derivative(clean, False)[1][5:-5, 0] - np.cos(times)[5:-5]).max() < 0.01
    inner = slice(20, -20)
    rough = np.sqrt(np.mean((derivative(noisy, False)[1][inner, 0] - np.cos(times)[inner]) ** 2))
    smooth = np.sqrt(np.mean((derivative(noisy, True)[1][inner, 0] - np.cos(times)[inner]) ** 2))
    assert smooth < 0.1 < rough


def test_noise_is_measured_from_neighbours() -> None:
    times = np.linspace(0, 10, 2000)
    values = np.sin(times) + np.random.default_rng(0).normal(0, 0.03, 2000)
    assert noise(times, values) == pytest.approx(0.03, rel=0.1)


def test_monomials_are_complete() -> None:
    assert monomials(2, 2) == [(0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2)]
    assert len(monomials(4, 3)) == 35
