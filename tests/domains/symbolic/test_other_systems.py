"""Systems of dysts: read as formulas that do what the package does; its absence is said."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from labformer.domains.symbolic.judging.other_systems import as_system, dysts_benchmarks
from labformer.shared.errors import MissingExtra


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dysts", None)
    with pytest.raises(MissingExtra, match="'dysts' need it, which is not installed: pip install dysts"):
        dysts_benchmarks(["Lorenz"])


def flow(right_hand_side: object, *numbers: float) -> SimpleNamespace:
    return SimpleNamespace(_rhs=right_hand_side, param_list=list(numbers))


def test_a_right_hand_side_becomes_formulas() -> None:
    def swing(x, v, t, g):  # type: ignore[no-untyped-def]
        return v, -g * np.sin(x)

    system = as_system(flow(swing, 2.0), 2)
    assert system is not None
    assert system.strings() == ["x_1", "-2.0*sin(x_0)"]


def test_what_branches_or_depends_on_time_is_left_out() -> None:
    def forced(x, t):  # type: ignore[no-untyped-def]
        return (np.cos(t) - x,)

    def switched(x, t):  # type: ignore[no-untyped-def]
        return (1.0 if x > 0 else -1.0,)

    def folded(x, t):  # type: ignore[no-untyped-def]
        return (np.mod(x, 2),)

    assert [as_system(flow(one), 1) for one in (forced, switched, folded)] == [None] * 3


def test_lorenz_has_its_law_and_two_starts() -> None:
    pytest.importorskip("dysts.flows")
    (lorenz,) = dysts_benchmarks(["Lorenz"])
    assert lorenz.system.strings()[0] in ("-10.0*x_0 + 10.0*x_1", "10.0*x_1 - 10.0*x_0")
    assert lorenz.starts.shape == (2, 3)
    assert [run.states.shape for run in lorenz.runs] == [(512, 3)] * 2
