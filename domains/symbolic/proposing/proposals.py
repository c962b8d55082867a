"""What ODEFormer proposes for a run: scaled in, decoded, scaled back, and ranked by reconstruction (section 3, 4)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from ....shared.errors import InputError
from ....shared.learning.folder import from_pretrained, save_pretrained
from ....shared.learning.seed import derive_seed
from ..models.odeformer import ODEFormer
from ..system import System
from ..trajectory import Trajectory
from .constants import refined
from .corruption import in_units
from .decoding import Sentence, beam_search, sample
from .generator import FIRST, LAST
from .normal_form import Expression, is_finite, structure, to_system
from .points import gather_points, thinned
from .reconstruction import reconstruction_errors
from .tokens import Unreadable, read_tokens

Floats = NDArray[np.float64]
Law = tuple[Expression, ...]


@dataclass(frozen=True)
class ProposalOptions:
    """How proposals are made."""

    samples: int = 48  # sentences over all scales and bags
    decoding: Literal["sample", "beam"] = "sample"
    temperature: float = 0.5  # of sampling; 0.1 as published, which names few structures
    scales: tuple[str, ...] = ("first", "spread")  # "first" is the published one; "spread" does not trust one point
    bags: int = 1  # of points, when there are more than the network reads; each is decoded by itself
    refine: int = 0  # how many of the best get their constants fitted to the run

    def __post_init__(self) -> None:
        if self.samples < 1 or self.bags < 1 or self.refine < 0:
            raise InputError(
                f"samples={self.samples} and bags={self.bags} must be 1 or more, refine={self.refine} 0 or more."
            )
        if self.decoding not in ("sample", "beam"):
            raise InputError(f"decoding={self.decoding!r} is not known; choose sample or beam.")
        if not self.scales or not set(self.scales) <= {"first", "spread"}:
            raise InputError(f"scales={self.scales} must be of first, spread.")


class Proposal(NamedTuple):
    """One law for a run, in the user's units."""

    components: Law
    error: float  # sum over states of sqrt(mean squared error / variance) of its trajectory; inf where that fails
    score: float  # log-probability a word that the network gave it

    @property
    def system(self) -> System:
        """As sympy."""
        return to_system(self.components)


class Readings(NamedTuple):
    """What the network wrote about a run."""

    proposals: list[Proposal]  # best first, without duplicates
    sentences: int  # all that were written
    parsed: int  # those that are a system of the right dimension


class Proposer:
    """Proposes laws for a run: `Proposer.from_pretrained("odeformer").propose(run, 20)`."""

    def __init__(self, network: ODEFormer, options: ProposalOptions = ProposalOptions()) -> None:
        self.network, self.options = network.eval(), options

    @classmethod
    def from_pretrained(
        cls, folder: str | Path = "odeformer", options: ProposalOptions = ProposalOptions()
    ) -> "Proposer":
        """The network of a folder or of a shipped name; raises InputError when there is none."""
        path = Path(folder)
        if not path.is_dir():
            path = Path(str(files(str(__package__).rpartition(".")[0]).joinpath("weights"))) / str(folder)
        return cls(from_pretrained(ODEFormer, path), options)

    def save_pretrained(self, folder: str | Path, card: str, overwrite: bool = False) -> None:
        """Write the network, in bfloat16, as a folder that `from_pretrained` reads."""
        half = ODEFormer(self.network.config).to(torch.bfloat16)
        half.load_state_dict(self.network.state_dict())
        save_pretrained(half, folder, card, overwrite)

    def propose(self, run: Trajectory, count: int = 20, seed: int = 0) -> list[System]:
        """Up to `count` laws in the user's units, best reconstruction first; none when the run has too many states."""
        return [one.system for one in self.read(run, seed, max(count, self.options.samples)).proposals[:count]]

    def read(self, run: Trajectory, seed: int = 0, samples: int | None = None) -> Readings:
        """All laws that the network wrote about a run, ranked; `samples` replaces the number in the options."""
        if run.dimension > self.network.config.states:
            return Readings([], 0, 0)
        options = self.options if samples is None else replace(self.options, samples=samples)
        written = self._written(run, options, seed)
        found: dict[Law, float] = {}
        parsed = 0
        for sentence, scale, rate in written:
            law = _law(sentence, run.dimension)
            parsed += law is not None
            if law is not None:
                back = in_units(law, [1 / one for one in scale], list(range(run.dimension)), rate)
                if all(map(is_finite, back)):
                    found[back] = max(found.get(back, -np.inf), sentence.score)
        laws = list(found)
        errors = reconstruction_errors(laws, run)
        ranked = sorted((Proposal(*one) for one in zip(laws, errors, found.values(), strict=True)), key=_rank)
        if options.refine:
            best = structures_first(ranked)[: options.refine]
            fitted = refined([one.components for one in best], run)
            better = [Proposal(law, error, one.score) for (law, error), one in zip(fitted, best, strict=True)]
            ranked = sorted([*better, *ranked], key=_rank)
        return Readings(structures_first(ranked), len(written), parsed)

    def _written(
        self, run: Trajectory, options: ProposalOptions, seed: int
    ) -> list[tuple[Sentence, list[float], float]]:
        """Sentences with the scale of the states and the rate of time that they were written under."""
        random = np.random.default_rng(derive_seed(seed, 0))
        span = run.times[-1] - run.times[0]
        rate = (LAST - FIRST) / span
        times = FIRST + rate * (run.times - run.times[0])
        paths, scales = [], []
        for name in options.scales:
            scale = scale_of(run.states, name)
            for bag in range(options.bags):
                paths.append(thinned((times, run.states * scale), self.network.config.points, random if bag else None))
                scales.append(scale.tolist())
        points = gather_points(paths, self.network.config)
        count = -(-options.samples // len(paths))
        if options.decoding == "beam":
            said = beam_search(self.network, points, count)
        else:
            said = sample(self.network, points, count, temperature=options.temperature, seed=derive_seed(seed, 1))
        return [(one, scale, rate) for group, scale in zip(said, scales, strict=True) for one in group]


def scale_of(states: Floats, name: str) -> Floats:
    """Factor on each state before the network reads it.

    first   one over the first value, so that the scaled run starts at 1 (1 where it starts at 0), as published
    spread  one over the root mean square, which no single noisy or tiny point decides
    """
    values = states[0] if name == "first" else np.sqrt((states**2).mean(0))
    return np.where(values == 0, 1.0, 1.0 / np.where(values == 0, 1.0, values))


def _law(sentence: Sentence, dimension: int) -> Law | None:
    try:
        law = read_tokens(sentence.words)
    except (Unreadable, RecursionError):
        return None
    return law if len(law) == dimension else None


def _rank(one: Proposal) -> tuple[float, float]:
    return one.error, -one.score


def structures_first(ranked: Sequence[Proposal]) -> list[Proposal]:
    """The best of each structure in order, then the others: one law with many constants would crowd out the rest."""
    seen: set[Law] = set()
    first: list[Proposal] = []
    rest: list[Proposal] = []
    for one in ranked:
        shape = tuple(map(structure, one.components))
        (rest if shape in seen else first).append(one)
        seen.add(shape)
    return first + rest
