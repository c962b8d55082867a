"""Laws of the regressor: known systems come back, units and order of the states change nothing, and folders keep it."""

import json

import numpy as np
import pytest
import sympy

from labformer.domains.symbolic import SymbolicODERegressor, Trajectory
from labformer.domains.symbolic.judging.scoring import integrate
from labformer.domains.symbolic.judging.structure import recovered
from labformer.domains.symbolic.system import System
from labformer.shared.errors import InputError

LOTKA = System.parse(["1.5*x_0 - 1.0*x_0*x_1", "0.8*x_0*x_1 - 1.2*x_1"])
TIMES = np.linspace(0, 10, 150)


def run(system, start, noise=0.0, seed=0, names=(), times=TIMES):
    states = integrate(system, start, times, rtol=1e-10, atol=1e-12)
    spoilt = states * (1 + noise * np.random.default_rng(seed).standard_normal(states.shape))
    return Trajectory(times, spoilt, names)


@pytest.fixture(scope="module")
def fitted():
    return SymbolicODERegressor().fit(run(LOTKA, [2.0, 1.0], 0.02, names=("prey", "predator")))


def test_noisy_run_gives_the_law_with_intervals_that_hold_its_constants(fitted):
    assert recovered(LOTKA, fitted.system_)
    assert list(fitted.equations_) == ["prey", "predator"]
    prey, predator = sympy.symbols("prey predator", real=True)
    assert fitted.equations_["prey"].free_symbols == {prey, predator}
    constants = fitted.constants_
    assert list(constants.columns) == ["equation", "constant", "value", "low", "high"]
    true = np.sort(np.abs(LOTKA.skeleton[2]))
    rows = constants.iloc[np.argsort(constants["value"].abs())]
    reach = (rows["high"] - rows["low"]).to_numpy()
    assert (reach > 0).all() and (reach < 0.3 * true).all()
    # 90 % intervals: all four within twice their half width
    assert (np.abs(np.abs(rows["value"].to_numpy()) - true) < reach).all()
    assert 0.005 < fitted.noise_[0] / np.std(fitted.runs_[0].states[:, 0]) < 0.1


def test_prediction_follows_an_unseen_start_within_its_band(fitted):
    unseen = run(LOTKA, [0.7, 0.6])
    assert fitted.score(TIMES, unseen.states) > 0.98
    band = fitted.predict_interval(TIMES, [0.7, 0.6], draws=25)
    assert band["value"].dims == ("time", "state") and list(band["state"].values) == ["prey", "predator"]
    assert (band["low"] <= band["value"]).all() and (band["value"] <= band["high"]).all()
    assert float(band["high"].sel(state="prey")[0] - band["low"].sel(state="prey")[0]) == 0
    np.testing.assert_allclose(band["value"], fitted.predict(TIMES, [0.7, 0.6]))
    inside = (band["low"].values <= unseen.states) & (unseen.states <= band["high"].values)
    assert inside[1:].mean() > 0.5


def test_folder_gives_back_the_same_predictions(fitted, tmp_path):
    fitted.save_pretrained(tmp_path / "model")
    again = SymbolicODERegressor.from_pretrained(tmp_path / "model")
    np.testing.assert_array_equal(again.predict(TIMES, [2.0, 1.0]), fitted.predict(TIMES, [2.0, 1.0]))
    assert again.constants_.equals(fitted.constants_) and again.latex() == fitted.latex()
    card = (tmp_path / "model" / "card.md").read_text()
    assert "prey' =" in card and "Do not use" in card
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    config["config"]["equations"] = ["x_0"]
    (tmp_path / "model" / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match="damaged"):
        SymbolicODERegressor.from_pretrained(tmp_path / "model")


def test_latex_reads_as_equations(fitted):
    text = fitted.latex(3)
    assert text.startswith(r"\begin{aligned}") and r"\dot{prey}" in text and "&=" in text


def test_units_change_the_equations_by_the_chain_rule():
    plain = run(LOTKA, [2.0, 1.0])
    changed = Trajectory(60 * plain.times, plain.states * [1000, 0.01])
    first, second = (SymbolicODERegressor().fit(one).system_ for one in (plain, changed))
    assert recovered(first.rescaled([1000, 0.01], 1 / 60), second)


def test_order_of_the_states_changes_nothing_and_an_unrelated_one_stays_out():
    damped = System.parse(["-0.3*x_0"])
    pair, other = run(LOTKA, [2.0, 1.0]), run(damped, [3.0])
    mixed = Trajectory(TIMES, np.column_stack([other.states, pair.states[:, ::-1]]))
    found = SymbolicODERegressor().fit(mixed).system_
    truth = System.parse(["-0.3*x_0", "0.8*x_2*x_1 - 1.2*x_1", "1.5*x_2 - 1.0*x_1*x_2"])
    assert recovered(truth, found)


def test_several_runs_of_one_system_are_not_several_systems():
    spring = System.parse(["x_1", "-4*x_0"])
    starts = ([1.0, 0.0], [0.0, 2.0])
    paths = [integrate(spring, start, TIMES, rtol=1e-10, atol=1e-12) for start in starts]
    together = SymbolicODERegressor("stlsq").fit([TIMES, TIMES], paths)
    assert len(together.runs_) == 2 and recovered(spring, together.system_)
    apart = SymbolicODERegressor("stlsq").fit_many([(TIMES, paths[0]), (TIMES, 3 * np.exp(-0.4 * TIMES))])
    assert [one.system_.dimension for one in apart] == [2, 1]


def test_bad_calls_are_refused_in_one_line(fitted):
    with pytest.raises(InputError, match="not fitted"):
        SymbolicODERegressor().predict(TIMES, [1.0])
    with pytest.raises(InputError, match="did you mean 'hybrid'"):
        SymbolicODERegressor("hybird").fit(run(LOTKA, [2.0, 1.0]))
    with pytest.raises(InputError, match="coverage"):
        SymbolicODERegressor(coverage=90).fit(run(LOTKA, [2.0, 1.0]))
    with pytest.raises(InputError, match="2 finite numbers"):
        fitted.predict(TIMES, [1.0])
    with pytest.raises(InputError, match="rise"):
        fitted.predict(TIMES[::-1], [1.0, 1.0])
    growth = run(System.parse(["3*x_0"]), [0.5], times=np.linspace(0, 1.5, 80))
    with pytest.raises(InputError, match="cannot be followed"):
        SymbolicODERegressor("stlsq").fit(growth).predict([0.0, 500.0], [1.0])
    with pytest.raises(InputError, match="have a, b"):
        fitted.score([run(LOTKA, [2.0, 1.0], names=("a", "b"))])


def test_profile_intervals_stand_in_the_table_and_in_the_folder(tmp_path):
    times = np.linspace(0, 6, 60)
    path = run(System.parse(["-0.8*x_0"]), [2.0], 0.02, times=times)
    made = SymbolicODERegressor(intervals="profile").fit(path)
    (row,) = made.constants_.itertuples()
    assert row.low < row.value < row.high and row.low < -0.8 * 0.95 and row.high > -0.8 * 1.05
    made.save_pretrained(tmp_path / "model")
    again = SymbolicODERegressor.from_pretrained(tmp_path / "model")
    assert again.constants_.equals(made.constants_)
    assert "profile likelihood" in (tmp_path / "model" / "card.md").read_text()
    with pytest.raises(InputError, match="laplace or profile"):
        SymbolicODERegressor(intervals="bayes").fit(path)
