"""What proposals are worth, measured on fresh systems of the generator, beside those that know nothing of the run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ....shared.errors import InputError
from ..trajectory import Trajectory
from .corpus import pack_examples
from .corruption import CorruptionConfig
from .generator import FIRST, LAST, Example, GeneratorConfig, draw_examples, draw_system
from .lessons import Lessons, held_surprise
from .normal_form import Expression, compile_expressions, term_shapes
from .proposals import Proposal, Proposer, Readings, structures_first
from .reconstruction import compared, reconstruction_errors, reproduced

Law = tuple[Expression, ...]
CLEAN = CorruptionConfig(dropped=(0.0,), noise=(0.0,))


@dataclass(frozen=True)
class Quality:
    """Means over systems; shares lie in [0, 1]."""

    systems: int
    sentences: float  # a system
    parsed: float  # share of the sentences that are a system of the right dimension
    term_recall: float  # share of the true terms that stand in the same equation of one of the top laws or more
    terms_named: float  # different terms an equation in the top laws: naming everything would recall everything
    structure_recall: float  # share of systems of which a top law has the right terms in every equation, and no other
    reconstructed: float  # share of systems whose first law has R2 > 0.9 on the given trajectory


def fresh_examples(count: int, generator: GeneratorConfig, seed: int) -> list[Example]:
    """So many examples of different systems."""
    found: list[Example] = []
    shard = 0
    while len(found) < count:
        more, _ = draw_examples(np.random.default_rng([seed, shard]), 4 * count, generator)
        found += [one for place, one in enumerate(more) if not place or one.components != more[place - 1].components]
        shard += 1
    return found[:count]


def measure(read: Callable[[Trajectory], Readings], examples: Sequence[Example], top: int = 20) -> Quality:
    """The quality of what `read` proposes for clean trajectories; raises InputError without examples."""
    if not examples:
        raise InputError("there are no examples to measure on; draw at least one.")
    rows = []
    for one in examples:
        run = as_run(one)
        readings = read(run)
        best = readings.proposals[:top]
        truth = [term_shapes(component) for component in one.components]
        said = [[term_shapes(component) for component in proposal.components] for proposal in best]
        named = [set().union(*(law[place] for law in said)) for place in range(run.dimension)]
        hits = sum(len(true & found) for true, found in zip(truth, named, strict=True))
        rows.append(
            (
                readings.sentences,
                readings.parsed / max(readings.sentences, 1),
                hits / max(sum(map(len, truth)), 1),
                float(np.mean([len(one) for one in named])),
                float(truth in said),
                float(bool(best) and r2(best[0].components, run) > 0.9),
            )
        )
    return Quality(len(rows), *np.mean(rows, 0).tolist())


def as_run(example: Example) -> Trajectory:
    """The trajectory of an example, at its own times."""
    return Trajectory(np.linspace(FIRST, LAST, len(example.states)), example.states)


def r2(law: Law, run: Trajectory) -> float:
    """Of the law's trajectory from the first point, weighted by the variance of the states; 0 where it blows up."""
    part = compared(run)
    states, alive = reproduced([compile_expressions(law)], part)
    if not alive[0]:
        return 0.0
    total = float(((part.states - part.states.mean(0)) ** 2).sum())
    return 1 - float(((states[0] - part.states) ** 2).sum()) / total if total else 0.0


def surprise(proposer: Proposer, examples: Sequence[Example]) -> float:
    """Cross entropy of the true words on clean trajectories, in nats a word."""
    config = proposer.network.config
    lessons = Lessons(pack_examples(list(examples), config.states), config, CLEAN, batch=32)
    return held_surprise(proposer.network, [lessons[place] for place in range(len(lessons))])


def blind(generator: GeneratorConfig, samples: int, seed: int = 0) -> Callable[[Trajectory], Readings]:
    """A reader that draws systems of the right dimension from the generator, whatever the run, and ranks them."""
    random = np.random.default_rng([seed, 7])

    def read(run: Trajectory) -> Readings:
        laws: list[Law] = []
        while len(laws) < samples:
            one = draw_system(random, generator)
            if one is not None and len(one) == run.dimension:
                laws.append(one)
        errors = reconstruction_errors(laws, run)
        ranked = sorted(
            (Proposal(law, error, 0.0) for law, error in zip(laws, errors, strict=True)), key=lambda x: x.error
        )
        return Readings(structures_first(ranked), samples, samples)

    return read
