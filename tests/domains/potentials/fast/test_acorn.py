from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
import torch

from labformer.domains.potentials.batch import collate
from labformer.domains.potentials.fast.acorn import Acorn
from labformer.domains.potentials.fast.choice import quieted
from labformer.domains.potentials.fast.config import AcornConfig
from labformer.domains.potentials.fast.design import Design, restrained
from labformer.domains.potentials.fast.dual import DualEquations
from labformer.domains.potentials.fast.normal import NormalEquations
from labformer.domains.potentials.fast.solve import Equations, Prior
from labformer.domains.potentials.frame import Frame
from labformer.domains.potentials.parts import answers
from labformer.shared.errors import InputError


def _folded(frames, config, sets=1):
    """An acorn with weights at random."""
    part = Acorn(config)
    part.elements = tuple(sorted({int(one) for frame in frames for one in frame.numbers}))
    design = part._design(frames)
    weights = torch.randn(sets, sum(design.columns), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    part._fold(weights)
    return part, design, weights


def _equations(frames, part):
    design = part._design(frames)
    rows = [part._rows(design, one) for one in frames]
    blocks = [np.concatenate([one.blocks[place] for one in rows]) for place in range(len(design.columns))]
    ends = np.cumsum([len(one.labels) for one in rows]).tolist()
    labels, kinds = np.concatenate([one.labels for one in rows]), np.concatenate([one.kinds for one in rows])
    return design, rows, Equations(blocks, labels, kinds, ends)


@pytest.mark.parametrize("gated", [0, 3, 4])
@pytest.mark.parametrize("which", ["water", "copper"])
def test_folded_weights_say_what_the_rows_say(request, small, which, gated):
    frames = request.getfixturevalue(f"{which}_frames")
    part, design, weights = _folded(frames, replace(small, gated=gated), sets=2)
    for frame in frames[:3]:
        rows = design.rows(frame)
        said = np.concatenate(rows.blocks, 1) @ weights[0].numpy()
        part.doubts = False
        found = part.evaluate(collate([frame], part.cutoff), stress=which == "copper")
        assert float(found.energies[0]) == pytest.approx(said[0], rel=1e-9)
        np.testing.assert_allclose(found.forces.numpy().ravel(), said[1 : 1 + 3 * len(frame)], atol=1e-8)
        if which == "copper":
            np.testing.assert_allclose(found.stress[0].numpy() * frame.volume, said[-6:], atol=1e-7)


@pytest.mark.parametrize("which", ["water", "copper"])
def test_forces_and_stress_are_derivatives_of_the_energy(request, small, which):
    from labformer.domains.potentials.checks import run_checks

    frames = request.getfixturevalue(f"{which}_frames")
    part, _, _ = _folded(frames, small)
    part.doubts = False
    broken = [one for one in run_checks(part, frames[:2]) if not one.holds]
    assert not broken, broken


def test_frames_left_out_are_those_of_a_fit_without_them(water_frames, small):
    part = Acorn(small)
    part.elements = (1, 8)
    prior = Prior(noise=1e-4)
    _, _, every = _equations(water_frames, part)
    left = every.left_out(prior)
    _, rows, fewer = _equations(water_frames[:-1], part)
    fewer.scales = every.scales  # the prior is that of all frames
    fewer.grams = [
        (one @ one.T) / scale**2 for one, scale in zip(fewer.blocks, every.scales, strict=True)
    ]  # fmt: skip
    weights = fewer.weights(prior)[0].numpy()
    design = part._design(water_frames)
    last = part._rows(design, water_frames[-1])
    np.testing.assert_allclose(last.labels - np.concatenate(last.blocks, 1) @ weights, left.errors[-1], atol=1e-6)


def test_energies_of_few_frames_do_not_say_how_noisy_they_are(monkeypatch, copper_frames, small):
    from labformer.domains.potentials.fast import choice

    draw = np.random.default_rng(0)
    spoilt = [one.labelled(one.energy + draw.normal(0, 3.0), one.forces, one.stress) for one in copper_frames]
    part = Acorn(small)
    part.elements = (29,)
    _, _, equations = _equations(spoilt, part)
    assert choice.choose(equations).quiet == Prior().quiet
    monkeypatch.setattr(choice, "EACH", 0.1)
    assert choice.choose(equations).quiet[0] == pytest.approx(0.1 * 4)  # atoms
    monkeypatch.setattr(choice, "ENERGIES", len(spoilt))
    assert choice.choose(equations).quiet[0] > Prior().quiet[0]


def test_many_energies_say_how_noisy_they_are_after_few_could_not():
    """A judge whose best noises are known: they are found, and those of energies only where they may be."""

    class Said(NamedTuple):
        energy: float
        force: float

    def judged(prior: Prior) -> Said:
        return Said(np.exp(abs(np.log10(prior.quiet[0]) + 2)), np.exp(abs(np.log10(prior.noise) + 6)))

    start = Prior(noise=1e-4, quiet=(1.0, 1.0))
    found = quieted(judged, start, True)
    assert (found.noise, *found.quiet) == pytest.approx((1e-6, 0.01, 1.0))
    found = quieted(judged, start, False)
    assert (found.noise, *found.quiet) == pytest.approx((1e-6, 1.0, 1.0))

    def torn(prior: Prior) -> Said:  # energies want less noise than forces
        return Said(prior.noise**0.5, judged(prior).force)

    assert quieted(torn, start, False, share=0.0).noise == pytest.approx(1e-6)
    assert quieted(torn, start, False, share=10.0).noise < 1e-7
    found = quieted(judged, Prior(noise=1e-6, quiet=(1e-4, 1.0)), True)  # the other way
    assert found.quiet == pytest.approx((0.01, 1.0))


def test_both_forms_of_the_solution_agree(copper_frames, small):
    part = Acorn(small)
    part.elements = (29,)
    prior = Prior(noise=1e-3)
    design, rows, equations = _equations(copper_frames, part)
    sums = NormalEquations(design.columns, equations.scales, prior)
    for one in rows:
        sums.add(one)
    one, other = equations.weights(prior)[0], sums.weights(prior)[0]
    last = np.concatenate(rows[0].blocks, 1)
    np.testing.assert_allclose(last @ one.numpy(), last @ other.numpy(), atol=1e-5)


def test_draws_scatter_around_the_answer_and_more_where_nothing_was_seen(water_frames, small):
    part = Acorn(replace(small, members=40))
    part.fit_frames(water_frames, [])
    inside = part.evaluate(collate(water_frames[:6], part.cutoff))
    stretched = [
        Frame(one.numbers, one.positions * np.array([1.6, 1.6, 1.6]), one.cell, one.pbc) for one in water_frames[:6]
    ]
    outside = part.evaluate(collate(stretched, part.cutoff))
    assert float(outside.spread.median()) > 5 * float(inside.spread.median())


def test_it_learns_springs_from_a_few_frames(water_frames):
    part = Acorn()
    part.fit_frames(water_frames[:16], [])
    said = answers(part, water_frames[16:])
    errors = np.mean([np.abs(one.forces - one.frame.forces).mean() for one in said])
    size = np.mean([np.abs(one.forces).mean() for one in water_frames])
    assert errors < 0.06 * size


def test_many_frames_are_solved_over_columns_with_the_noise_that_frames_left_out_want(
    monkeypatch, copper_frames, small
):
    from labformer.domains.potentials.fast import acorn

    few = Acorn(small)
    few.fit_frames(copper_frames[:6], [])
    monkeypatch.setattr(acorn, "EQUATIONS", 10)
    many = Acorn(small)
    many.fit_frames(copper_frames[:6], copper_frames[6:])
    assert set(many.left_out()) == set(few.left_out()) == set(range(6))
    one, other = (answers(part, copper_frames[6:], stress=True) for part in (few, many))
    for a, b in zip(one, other, strict=True):
        assert np.abs(b.forces - b.frame.forces).mean() < 1.5 * np.abs(a.forces - a.frame.forces).mean() + 1e-3
        assert np.abs(b.stress - b.frame.stress).max() < 0.02


def test_rows_in_single_precision_give_the_weights_of_double_precision(water_frames, small):
    part = Acorn(small)
    part.elements = (1, 8)
    _, rows, equations = _equations(water_frames, part)
    prior = Prior(noise=1e-4)
    dual = DualEquations([one.shape[1] for one in rows[0].blocks], equations.scales, prior)
    for one in rows:
        dual.add(one)
    wide = torch.cat(equations.blocks, 1)
    for most, frames in ((None, len(rows)), (equations.ends[-3], len(rows) - 2)):
        fewer = Equations(
            [one[: equations.ends[frames - 1]].numpy() for one in equations.blocks],
            equations.labels[: equations.ends[frames - 1]].numpy(),
            equations.kinds[: equations.ends[frames - 1]].numpy(),
            equations.ends[:frames],
        )
        fewer.grams = [(one @ one.T) / scale**2 for one, scale in zip(fewer.blocks, equations.scales, strict=True)]
        fewer.scales = equations.scales
        expected = wide @ fewer.weights(prior)[0]
        torch.testing.assert_close(wide @ dual.weights(prior, most=most)[0], expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("solver", [DualEquations, NormalEquations])
def test_energies_that_are_weighed_again_are_as_if_they_had_been_added_so(solver, copper_frames, small):
    part = Acorn(small)
    part.elements = (29,)
    design, rows, equations = _equations(copper_frames, part)
    before, after = Prior(noise=1e-3, quiet=(10.0, 2.0)), Prior(noise=1e-2, quiet=(0.01, 2.0))
    again, at_once = (solver(design.columns, equations.scales, one) for one in (before, after))
    for one in rows:
        again.add(one)
        at_once.add(one)
    first = again.left_out(before)
    for wanted, got in zip(at_once.left_out(after).errors, again.left_out(after).errors, strict=True):
        np.testing.assert_allclose(got, wanted, atol=1e-7)
    assert np.abs(first.errors[0] - again.left_out(after).errors[0]).max() > 1e-3
    wide = torch.cat(equations.blocks, 1)
    torch.testing.assert_close(wide @ again.weights(after)[0], wide @ at_once.weights(after)[0], rtol=0, atol=1e-6)
    np.testing.assert_allclose(again.left_out(before).errors[0], first.errors[0], atol=1e-7)


@pytest.mark.parametrize("solver", [DualEquations, NormalEquations])
def test_many_frames_left_out_are_those_of_equations_in_double_precision(solver, copper_frames, small):
    part = Acorn(small)
    part.elements = (29,)
    design, rows, equations = _equations(copper_frames, part)
    prior = Prior(noise=1e-3, quiet=(0.1, 2.0))
    sums = solver(design.columns, equations.scales, prior)
    for one in rows:
        sums.add(one)
    expected, found = equations.left_out(prior), sums.left_out(prior)
    assert found.force == pytest.approx(expected.force, rel=1e-4)
    for wanted, got in zip(expected.errors, found.errors, strict=True):
        np.testing.assert_allclose(got, wanted, atol=1e-5)
    for wanted, got in zip(expected.spreads, found.spreads, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-3, atol=1e-6)
    # what was factored is still there for weights afterwards
    torch.testing.assert_close(
        sums.weights(prior)[0],
        equations.weights(prior)[0],
        rtol=0,
        atol=1e-2 * float(equations.weights(prior).std()),
    )


def test_frames_beyond_what_leaving_out_may_cost_are_fitted_and_not_left_out(monkeypatch, copper_frames, small):
    from labformer.domains.potentials.fast import normal

    part = Acorn(small)
    part.elements = (29,)
    design, rows, equations = _equations(copper_frames, part)
    prior = Prior(noise=1e-3)
    every = NormalEquations(design.columns, equations.scales, prior)
    monkeypatch.setattr(normal, "HELD", 3.5 * len(rows[0].labels) * sum(design.columns))
    some = NormalEquations(design.columns, equations.scales, prior)
    for one in rows:
        every.add(one)
        some.add(one)
    for wanted, got in zip(every.left_out(prior).errors[:3], some.left_out(prior).errors, strict=True):
        np.testing.assert_allclose(got, wanted, atol=1e-12)
    # and energies of so many frames keep their weight
    monkeypatch.setattr(normal, "HELD", 2.5 * sum(design.columns))
    fixed = NormalEquations(design.columns, equations.scales, prior)
    for one in rows:
        fixed.add(one)
    other = replace(prior, quiet=(1e-3, 1.0))
    torch.testing.assert_close(fixed.weights(other), every.weights(prior))
    assert not torch.allclose(every.weights(other), every.weights(prior))


def test_many_frames_without_validation_are_judged_by_leaving_each_out(monkeypatch, water_frames, small):
    from labformer.domains.potentials.fast import acorn

    monkeypatch.setattr(acorn, "EQUATIONS", 10)
    over_equations = replace(small, columns=100)
    part = Acorn(over_equations)
    part.fit_frames(water_frames, [], seed=3)
    assert part.prior is not None
    said = [one for _, one in sorted(part.left_out().items())]
    assert [one.frame for one in said] == list(water_frames)
    without = Acorn(over_equations)
    without.fit_frames(water_frames[:-1], [], seed=3)
    other = answers(without, water_frames[-1:])[0]
    # another prior, since it was chosen without the frame, but the same frame
    assert np.abs(said[-1].forces - other.forces).mean() < 0.5 * np.abs(water_frames[-1].forces).mean()
    left = np.mean([np.abs(one.forces - one.frame.forces).mean() for one in said])
    own = np.mean([np.abs(one.forces - one.frame.forces).mean() for one in answers(part, water_frames)])
    assert left > 1.2 * own  # frames of training are said better than they would be had they been left out


def test_draws_over_equations_spread_as_those_over_columns(water_frames, small):
    part = Acorn(small)
    part.elements = (1, 8)
    _, rows, equations = _equations(water_frames[:6], part)
    prior, columns = Prior(noise=1e-2), [one.shape[1] for one in rows[0].blocks]
    dual, primal = (one(columns, equations.scales, prior) for one in (DualEquations, NormalEquations))
    for one in rows:
        dual.add(one)
        primal.add(one)
    wide = torch.cat(equations.blocks, 1)
    spreads = [
        (wide @ (found[1:] - found[0]).T).std(1) for found in (dual.weights(prior, 300), primal.weights(prior, 300))
    ]
    assert float((spreads[0] / spreads[1]).median()) == pytest.approx(1, rel=0.15)


def test_what_is_saved_comes_back(water_frames, small):
    part = Acorn(small)
    part.fit_frames(water_frames[:10], [])
    again = Acorn.restore(part.settings(), part.state_dict())
    batch = collate(water_frames[10:13], part.cutoff)
    one, other = part.evaluate(batch), again.evaluate(batch)
    for a, b in zip(one[:2] + (one.spread,), other[:2] + (other.spread,), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-12)


def test_an_element_that_was_not_learned_is_named(water_frames, small):
    part, _, _ = _folded(water_frames, small)
    strange = replace(water_frames[0], numbers=np.array([8, 1, 17]))
    with pytest.raises(InputError, match="17"):
        part.evaluate(collate([strange], part.cutoff))


def _far_crystals(count, seed):
    """Face-centred cells whose shells at 3 and 4.2 Å pull at an atom, so that angles matter to 5.2 Å."""
    draw = np.random.default_rng(seed)
    sites = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
    shifts = torch.tensor([[i, j, k] for i in (-1, 0, 1) for j in (-1, 0, 1) for k in (-1, 0, 1)]) * 4.2
    frames = []
    for _ in range(count):
        x = torch.tensor(sites * 4.2 + draw.normal(0, 0.15, (4, 3)), requires_grad=True)
        vectors = x[None, :, None] + shifts - x[:, None, None]
        squares = vectors.square().sum(3)
        lengths = (squares + (squares.detach() < 1e-9)).sqrt()
        pull = torch.relu(5.2 - lengths) ** 2 / 5.2 * (squares.detach() > 1e-9)
        sums = (vectors / lengths[..., None] * pull[..., None]).sum((1, 2))
        energy = sums.square().sum()
        (slope,) = torch.autograd.grad(energy, x)
        frames.append(
            Frame(
                np.full(4, 26),
                x.detach().numpy(),
                np.eye(3) * 4.2,
                np.ones(3, bool),
                float(energy.detach()),
                -slope.numpy(),
            )
        )
    return frames


def test_crystals_are_seen_as_far_as_frames_left_out_ask_for(small, copper_frames, water_frames):
    asked = replace(small, reach=None, cutoff=5.5)
    far = Acorn(asked)
    far.fit_frames(_far_crystals(12, 0), [])
    assert far.config.reach == 5.5
    nearer = Acorn(replace(small, reach=4.3, cutoff=5.5))
    nearer.fit_frames(_far_crystals(12, 0), [])
    test = _far_crystals(6, 1)
    errors = [np.mean([one.force_error.mean() for one in answers(part, test)]) for part in (far, nearer)]
    assert errors[0] < 0.8 * errors[1]
    assert Acorn.restore(far.settings(), far.state_dict()).config.reach == 5.5
    # atoms that are not periodic are not asked, nor where pairs end before
    for frames, config in ((water_frames[:6], asked), (copper_frames[:3], replace(asked, cutoff=4.3))):
        part = Acorn(config)
        part.fit_frames(frames, [])
        assert part.config.reach == 4.3


def test_many_elements_get_a_smaller_basis():
    small = restrained(AcornConfig(), 5, 20_000)
    design = Design(small, (1, 6, 7, 8, 16))
    assert sum(design.columns) <= 20_000
    with pytest.raises(InputError, match="too many"):
        restrained(AcornConfig(), 60, 2_000)
    with pytest.raises(InputError, match="reach"):
        AcornConfig(reach=7.0)


def test_doubt_of_a_frame_left_out_is_that_of_a_fit_without_it(water_frames, small):
    part = Acorn(small)
    part.elements = (1, 8)
    prior = Prior(noise=1e-4)
    _, _, every = _equations(water_frames[:8], part)
    left = every.left_out(prior)
    _, _, fewer = _equations(water_frames[:7], part)
    fewer.scales = every.scales
    fewer.grams = [(one @ one.T) / scale**2 for one, scale in zip(fewer.blocks, every.scales, strict=True)]
    design = part._design(water_frames)
    last = torch.from_numpy(np.concatenate(part._rows(design, water_frames[7]).blocks, 1))
    draws = fewer.weights(prior, 600)[1:] @ last.T  # (draws, equations)
    forces = draws[:, 1:10].var(0).reshape(3, 3).sum(1).sqrt()
    # each scales by the noise that fits its own labels
    ratio = forces.numpy() / left.spreads[7]
    np.testing.assert_allclose(ratio / ratio.mean(), 1, atol=0.15)
    assert 0.7 < ratio.mean() < 1.4
