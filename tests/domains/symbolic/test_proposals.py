from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from labformer.domains.symbolic.models.odeformer import ODEFormer, ODEFormerConfig
from labformer.domains.symbolic.proposing.constants import refined
from labformer.domains.symbolic.proposing.decoding import Sentence
from labformer.domains.symbolic.proposing.generator import FIRST, LAST
from labformer.domains.symbolic.proposing.normal_form import from_sympy, term_shapes, to_system
from labformer.domains.symbolic.proposing.proposals import ProposalOptions, Proposer, scale_of
from labformer.domains.symbolic.proposing.reconstruction import reconstruction_errors
from labformer.domains.symbolic.proposing.tokens import system_tokens
from labformer.domains.symbolic.system import System
from labformer.domains.symbolic.trajectory import Trajectory
from labformer.shared.errors import InputError

LINEAR = System.parse(["-0.3*x_0 + 1.1*x_1", "-1.7*x_0 - 0.2*x_1"])
LOTKA = System.parse(["1.5*x_0 - 0.7*x_0*x_1", "0.6*x_0*x_1 - 2.0*x_1"])
TINY = ODEFormerConfig(
    states=2,
    width=16,
    encoder_depth=1,
    decoder_depth=1,
    heads=2,
    number_width=4,
    points=20,
    length=24,
    mantissa="digits",
)


def run_of(system: System, start: tuple[float, ...], end: float = 6.0, count: int = 80) -> Trajectory:
    times = np.linspace(2.0, 2.0 + end, count)
    found = solve_ivp(system.rhs, (times[0], times[-1]), start, t_eval=times, method="LSODA", rtol=1e-9, atol=1e-11)
    return Trajectory(times, found.y.T)


def law_of(system: System) -> tuple:
    return tuple(map(from_sympy, system.equations))


def proposer(options: ProposalOptions = ProposalOptions(samples=6)) -> Proposer:
    torch.manual_seed(0)
    return Proposer(ODEFormer(TINY), options)


@pytest.mark.parametrize("name", ["first", "spread"])
@pytest.mark.parametrize("start", [(4.0, -2.5), (30.0, 25.0)], ids=["near", "far"])
def test_a_law_in_the_scaled_run_comes_back_in_the_users_units(
    name: str, start: tuple[float, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """x_i' = (rate / s_i) f_i(s_1 x_1, ..), by the chain rule."""
    run = run_of(LINEAR, start)
    scale = scale_of(run.states, name)
    rate = (LAST - FIRST) / (run.times[-1] - run.times[0])
    sentence = Sentence(tuple(system_tokens(LINEAR.rescaled(scale, 1 / rate))), -1.0)
    monkeypatch.setattr(Proposer, "_written", lambda *_: [(sentence, scale.tolist(), float(rate))])
    readings = proposer().read(run)
    assert (readings.sentences, readings.parsed) == (1, 1)
    found = readings.proposals[0]
    for x in np.eye(2):
        np.testing.assert_allclose(found.system.rhs(0.0, x), LINEAR.rhs(0.0, x), rtol=5e-3, atol=1e-3)
    assert found.error < 0.02


def test_the_first_value_scales_to_one_and_zero_stays() -> None:
    states = np.array([[0.0, -4.0], [3.0, 2.0]])
    np.testing.assert_array_equal(states[0] * scale_of(states, "first"), [0.0, 1.0])
    np.testing.assert_allclose(((states * scale_of(states, "spread")) ** 2).mean(0), 1.0)


def test_what_does_not_parse_or_has_other_states_is_dropped_and_doubles_count_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    good, run = tuple(system_tokens(LINEAR)), run_of(LINEAR, (1.0, 0.5))
    said = [good, good, good[:-1], ("<end>", "x_0", "<end>"), ("<end>", "add", "<end>")]
    monkeypatch.setattr(Proposer, "_written", lambda *_: [(Sentence(one, -1.0), [1.0, 1.0], 1.0) for one in said])
    readings = proposer().read(run)
    assert (readings.sentences, readings.parsed, len(readings.proposals)) == (5, 2, 1)


def test_proposals_are_ranked_by_reconstruction_and_structures_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    run = run_of(LINEAR, (1.0, 0.5))
    near = System.parse(["-0.31*x_0 + 1.1*x_1", "-1.7*x_0 - 0.2*x_1"])
    wild, other = System.parse(["x_0**3 + 9.0*x_0", "x_1"]), System.parse(["0.5*x_1", "-0.5*x_0"])
    said = [tuple(system_tokens(one)) for one in (wild, near, other, LINEAR)]
    monkeypatch.setattr(Proposer, "_written", lambda *_: [(Sentence(one, -1.0), [1.0, 1.0], 1.0) for one in said])
    found = proposer().read(run).proposals
    assert [law_of(one) for one in (LINEAR, other, wild, near)] == [one.components for one in found]
    assert found[2].error == np.inf
    assert proposer().propose(run, 1)[0].equations == to_system(law_of(LINEAR)).equations


def test_reconstruction_is_zero_for_the_truth_and_inf_for_what_blows_up() -> None:
    run = run_of(LOTKA, (2.0, 1.5))
    errors = reconstruction_errors([law_of(LOTKA), law_of(System.parse(["x_0**3", "x_1**2"]))], run)
    assert errors[0] < 1e-3
    assert errors[1] == np.inf
    assert reconstruction_errors([], run) == []


def test_constants_are_fitted_to_the_run_and_nothing_gets_worse() -> None:
    run = run_of(LOTKA, (2.0, 1.5), end=3.0, count=30)
    off = law_of(System.parse(["1.3*x_0 - 0.6*x_0*x_1", "0.7*x_0*x_1 - 1.8*x_1"]))
    hopeless = law_of(System.parse(["x_0**3", "x_1**2"]))
    wrong = law_of(System.parse(["0.1*x_1", "-0.1*x_0"]))
    found = refined([off, hopeless, wrong], run, rounds=7)
    np.testing.assert_allclose(to_system(found[0][0]).rhs(0.0, run.states.T), LOTKA.rhs(0.0, run.states.T), atol=2e-2)
    assert found[1] == (hopeless, np.inf)
    assert found[2][1] <= reconstruction_errors([wrong], run)[0] * (1 + 1e-6)
    assert refined([], run) == []


def test_a_network_that_knows_nothing_still_answers_by_the_seed() -> None:
    run = run_of(LINEAR, (1.0, 0.5))
    assert proposer().propose(run, 3, seed=1) == proposer().propose(run, 3, seed=1)
    assert len(proposer(ProposalOptions(samples=5, decoding="beam")).read(run).proposals) <= 6


def test_too_many_states_get_no_proposal() -> None:
    times = np.linspace(0, 1, 10)
    assert proposer().propose(Trajectory(times, np.random.default_rng(0).normal(size=(10, 3)))) == []


def test_a_saved_network_proposes_the_same(tmp_path: Path) -> None:
    made = proposer()
    made.save_pretrained(tmp_path / "kept", "# a card")
    back = Proposer.from_pretrained(tmp_path / "kept", made.options)
    for name, tensor in made.network.state_dict().items():
        torch.testing.assert_close(back.network.state_dict()[name], tensor, rtol=1e-2, atol=1e-2)
    with pytest.raises(InputError):
        Proposer.from_pretrained("no-such-name")


@pytest.mark.parametrize(
    "wrong",
    [{"samples": 0}, {"decoding": "luck"}, {"scales": ()}, {"scales": ("last",)}, {"bags": 0}, {"refine": -1}],
    ids=str,
)
def test_options_that_make_no_proposals_are_refused(wrong: dict) -> None:
    with pytest.raises(InputError):
        ProposalOptions(**wrong)


def test_the_shipped_network_names_the_right_terms_of_plain_laws() -> None:
    made = Proposer.from_pretrained("odeformer", ProposalOptions(samples=24))
    decay, spring = System.parse(["-0.8*x_0"]), System.parse(["x_1", "-2.0*x_0"])
    one, two = run_of(decay, (2.0,)), run_of(spring, (1.0, 0.0))
    first, second = made.read(one), made.read(two)
    assert first.parsed > 0.8 * first.sentences
    assert second.parsed > 0.8 * second.sentences
    assert first.proposals[0].error < 0.5
    assert {law.components for law in first.proposals} != {law.components for law in second.proposals}
    assert ("x", 0) in set().union(*(term_shapes(law.components[0]) for law in first.proposals))
    assert ("x", 1) in set().union(*(term_shapes(law.components[0]) for law in second.proposals))
