"""The report of found equations: what they are, how sure, what else the data allow, and how they did on unseen runs."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from .. import __version__
from ..domains.symbolic.card import WAYS
from ..domains.symbolic.judging.scoring import integrate
from ..domains.symbolic.judging.structure import complexity, recovered
from ..domains.symbolic.predictor import SymbolicODERegressor, to_text
from ..domains.symbolic.registry import method
from ..shared.evaluation.check import Check
from ..shared.evaluation.comparison import Comparison
from ..shared.evaluation.table import Table, figures
from ..shared.report.laws import laws
from ..shared.report.page import Report, Section
from ..shared.report.plots import comparison_bars
from ..shared.report.plots_of_motion import plane_of_motion, rate_over_state, residuals_over_time, states_over_time
from .symbolic_ode_runs import Gathered, span

SIMULATED = "The data here are simulated: the figures say how the suite works, not how it does on your measurements."


def ode_report(
    regressor: SymbolicODERegressor,
    gathered: Gathered,
    prediction: xr.Dataset,
    comparison: Comparison,
    checks: Sequence[Check],
) -> Report:
    """Build the page of a run, whose prediction is of the first run of the test."""
    names = regressor.names_
    followed = [
        integrate(regressor.system_, run.states[0], run.times, bound=1e6 * float(np.abs(run.states).max() + 1))
        for run in gathered.fit
    ]
    return Report(
        title=f"The law of {', '.join(names)}",
        summary=_summary(regressor, gathered, comparison),
        sections=[
            _equations(regressor, gathered),
            _constants(regressor),
            *_fit(regressor, gathered, followed),
            _test(regressor, gathered, prediction),
            _motion(regressor, gathered, followed),
            _rivals(regressor),
            Section(
                "Beside other methods",
                f"{comparison.verdict}\n\nMissed variance on the test: the squared distance over the variance, mean of "
                "times, at most 1, which is as bad as predicting the mean. All methods saw the same data.",
                comparison_bars(comparison), comparison.table(), alt="Missed variance of each method with intervals",
            ),
            laws(checks, "found equations"),
            Section("Data", f"{gathered.split}. {span(gathered.fit)}.", points=gathered.repairs),
        ],
        facts=_facts(regressor, gathered, prediction),
        footer=f"labformer {__version__}, {regressor.method}, seed {regressor.seed}. To repeat it: "
        "labformer run symbolic-ode --config run.toml --out FOLDER",
    )  # fmt: skip


def _summary(regressor: SymbolicODERegressor, gathered: Gathered, comparison: Comparison) -> str:
    parts = [SIMULATED] if gathered.truth is not None else []
    parts.append("; ".join(to_text(regressor.system_, regressor.names_, 3)) + ".")
    if gathered.truth is not None:
        found = recovered(gathered.truth, regressor.system_)
        parts.append(
            f"The law that the data were simulated with is {'' if found else 'not '}found term by term, constants "
            "within 5 %."
        )
    return "\n\n".join([*parts, comparison.verdict])


def _facts(regressor: SymbolicODERegressor, gathered: Gathered, prediction: xr.Dataset) -> list[tuple[str, str]]:
    return [
        ("R² on the test", figures(regressor.score(gathered.test))),
        ("R² on the runs it was found from", figures(regressor.r2_)),
        ("operators, variables, constants", str(complexity(regressor.system_))),
        ("laws that fit about as well", str(len(regressor.rivals_))),
        ("warnings", str(len(regressor.warnings_))),
    ]


def _equations(regressor: SymbolicODERegressor, gathered: Gathered) -> Section:
    found = to_text(regressor.system_, regressor.names_)
    rows = [[f"d{name}/dt", one.split(" = ", 1)[1]] for name, one in zip(regressor.names_, found, strict=True)]
    columns = ["rate", "equals"]
    if gathered.truth is not None:
        true = to_text(gathered.truth, regressor.names_)
        rows = [[*row, text.split(" = ", 1)[1]] for row, text in zip(rows, true, strict=True)]
        columns.append("simulated with")
    text = f"Found by {regressor.method}: {method(regressor.method).text}. Times and states in the units of the data."
    return Section("Equations", text, table=Table(columns, rows), points=regressor.warnings_)


def _constants(regressor: SymbolicODERegressor) -> Section:
    constants = regressor.constants_
    if not len(constants) or constants["low"].isna().any():
        return Section("Constants", f"{regressor.method} gives no intervals.")
    rows = [
        (one.equation, figures(one.value), f"{figures(one.low)} .. {figures(one.high)}")
        for one in constants.itertuples()
    ]
    table = Table(("equation of", "value", f"{regressor.coverage:.0%} interval"), rows)
    noise = ", ".join(f"{name} {figures(one)}" for name, one in zip(regressor.names_, regressor.noise_, strict=True))
    return Section(
        "Constants",
        f"In the order of the formulas. {WAYS[regressor.intervals]}: what the data leave open of the constants "
        f"of this structure, not which structure is true. Noise of the measurements: {noise}.",
        table=table,
    )


def _fit(regressor: SymbolicODERegressor, gathered: Gathered, followed: Sequence[np.ndarray | None]) -> list[Section]:
    run, line = gathered.fit[0], followed[0]
    kept = [(one, path) for one, path in zip(gathered.fit, followed, strict=True) if path is not None]
    if line is None:
        return [Section("On the data", "The equations cannot be followed over the first run.")]
    return [
        Section(
            "On the data", "The equations followed from the first measured point, and what was measured.",
            states_over_time(run.times, run.states, regressor.names_, run.times, line),
            alt="States over time, measured and as followed",
        ),
        Section(
            "Residuals", "What is left should look like noise: a wave means that the law lacks something, or that the "
            "first point, from which it is followed, was noisy.",
            residuals_over_time([one.times for one, _ in kept], [one.states - path for one, path in kept],
                                regressor.names_),
            alt="Residuals over time by state",
        ),
    ]  # fmt: skip


def _test(regressor: SymbolicODERegressor, gathered: Gathered, prediction: xr.Dataset) -> Section:
    run = gathered.test[0]
    if not np.isfinite(prediction["value"].values).all():
        return Section("On the test", str(prediction.attrs.get("title", "the equations cannot be followed there.")))
    has_band = bool(np.isfinite(prediction["low"].values).all())
    band = (prediction["low"].values, prediction["high"].values) if has_band else (None, None)
    return Section(
        "On the test", f"{gathered.split}."
        + (f" The band is what the constants leave open ({regressor.coverage:.0%})." if has_band else ""),
        states_over_time(run.times, run.states, regressor.names_, run.times, prediction["value"].values, *band),
        alt="States over time on the test, measured and as followed",
    )  # fmt: skip


def _motion(regressor: SymbolicODERegressor, gathered: Gathered, followed: Sequence[np.ndarray | None]) -> Section:
    system, runs = regressor.system_, [run.states for run in gathered.fit]
    if system.dimension == 1:
        return Section(
            "Where it drives", "The rate at each value of the state; it rests where the line crosses zero.",
            rate_over_state(lambda x: system.rhs(0.0, x), runs, regressor.names_[0]), alt="Rate over the state",
        )  # fmt: skip
    rest = np.mean(np.concatenate(runs)[:, 2:], axis=0)

    def field(x: np.ndarray) -> np.ndarray:
        whole = np.concatenate([x, np.repeat(rest[:, None], x.shape[1], axis=1)])
        return np.asarray(system.rhs(0.0, whole)[:2])

    lines = [path[:, :2] for path in followed if path is not None]
    more = f", {', '.join(regressor.names_[2:])} at their means" if len(rest) else ""
    return Section(
        "Phase portrait", f"Where the equations drive from each place{more}; arrows show the direction alone.",
        plane_of_motion(field, [one[:, :2] for one in runs], lines, (regressor.names_[0], regressor.names_[1])),
        alt="Vector field of the first two states with the runs",
    )  # fmt: skip


def _rivals(regressor: SymbolicODERegressor) -> Section:
    if not regressor.rivals_:
        return Section("Rivals", "No other law that was tried fits about as well with as few terms.")
    rows = [("; ".join(to_text(one, regressor.names_, 3)),) for one in regressor.rivals_]
    return Section(
        "Rivals", "These laws fit about as well: the data cannot tell them from the answer. A run from another start "
        "may.",
        table=Table(("law",), rows),
    )  # fmt: skip
