"""Training of ODEFormer on a generated corpus, and the folder that comes of it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import torch

from ....shared.errors import InputError
from ....shared.learning.config import TrainingConfig
from ....shared.learning.distributed import Ranks, join
from ....shared.learning.loop import Outcome, train
from ....shared.learning.seed import derive_seed
from ....shared.writing import require_writable
from ..models.odeformer import SMALL, ODEFormer, ODEFormerConfig, mean_surprise
from .corpus import make_corpus
from .corruption import CorruptionConfig
from .generator import GeneratorConfig
from .lessons import Lessons, Visits, held_surprise
from .proposal_card import card
from .proposal_quality import blind, fresh_examples, measure, surprise
from .proposals import Proposer


@dataclass(frozen=True)
class ProposerTraining:
    """What `train_proposer` does; the defaults fit about an hour of two processor cores."""

    examples: int = 80_000  # of the corpus
    held: int = 1_500  # of these, for validation
    batch: int = 32  # examples a step, of each process
    steps: int = 600  # an epoch
    epochs: int = 7
    learning_rate: float = 1e-3
    warmup: int = 300  # steps
    longest: int = 56  # words of the examples that are visited
    mantissa: float = 0.1  # weight of mantissas in the loss
    seed: int = 1
    model: ODEFormerConfig = SMALL
    generator: GeneratorConfig = GeneratorConfig(states=3, settled=0.5, starts=2, longest=80)
    corruption: CorruptionConfig = CorruptionConfig(noise=(0.0, 0.0125, 0.025, 0.0375, 0.05), rescaled=0.5)


# The published sizes and rates, for GPUs (torchrun). One half cosine stands in for restarts whose peak and
# floor halve, and batches count examples, not positions.
PUBLISHED_TRAINING = ProposerTraining(
    examples=50_000_000, held=10_000, batch=64, steps=30_000, epochs=100, learning_rate=2e-4, warmup=10_000,
    longest=200, mantissa=1.0, model=ODEFormerConfig(), generator=GeneratorConfig(), corruption=CorruptionConfig(),
)  # fmt: skip


SIZES = {"small": ProposerTraining(), "published": PUBLISHED_TRAINING}


def training_of(size: str, changes: Mapping[str, Any]) -> ProposerTraining:
    """The training of a size with some of its numbers changed; raises InputError for those that make no sense."""
    if size not in SIZES:
        raise InputError(f"no size is named {size!r}; known are {', '.join(SIZES)}.")
    names = {one.name for one in fields(ProposerTraining)}
    made = replace(SIZES[size], **{name: value for name, value in changes.items() if name in names})
    if min(made.examples, made.batch, made.steps, made.epochs) < 1 or not 0 < made.held < made.examples:
        raise InputError(
            f"examples={made.examples}, batch={made.batch}, steps={made.steps} and epochs={made.epochs} must be 1 or "
            f"more, and held={made.held} examples for validation fewer than all."
        )
    return made


def fit_network(
    options: ProposerTraining,
    folder: str | Path,
    device: str | torch.device = "cpu",
    progress: bool = True,
    start: ODEFormer | None = None,
) -> tuple[ODEFormer, Outcome]:
    """Make or finish the corpus in `folder`/corpus, train in `folder`/run; both go on where they stopped.

    `start` gives the first weights; without it they are drawn from the seed. Under torchrun the processes share the
    making of the corpus, and each learns from a batch of its own at every step.
    """
    folder, ranks = Path(folder), join(torch.device(device))
    corpus = make_corpus(folder / "corpus", options.examples, options.generator, options.seed, progress, ranks)
    lessons = Lessons(corpus, options.model, options.corruption, options.batch, options.seed, options.longest)
    lessons, held = lessons.split(options.held)
    torch.manual_seed(derive_seed(options.seed, 2))
    model = ODEFormer(options.model)
    if start is not None:
        model.load_state_dict(start.state_dict())
    outcome = train(
        model,
        lambda network, batch: mean_surprise(network, batch, options.mantissa),
        Visits(lessons, options.steps * ranks.size),
        training_config(options, ranks),
        validate=lambda network: held_surprise(network, held, device, options.mantissa),
        folder=folder / "run",
        device=device,
        progress=progress,
    )
    return model, outcome


def training_config(options: ProposerTraining, ranks: Ranks = Ranks()) -> TrainingConfig:
    """The loop's settings: Adam, a linear rise and one half cosine, gradients clipped at 1."""
    return TrainingConfig(
        epochs=options.epochs, batch=ranks.size, learning_rate=options.learning_rate, optimiser="adam",
        schedule="cosine", warmup=options.warmup, clip=1.0, checkpoint_every=200, seed=options.seed,
    )  # fmt: skip


def train_proposer(
    options: ProposerTraining,
    folder: str | Path,
    *,
    systems: int = 200,
    overwrite: bool = False,
    device: str | torch.device = "cpu",
    progress: bool = True,
) -> Path:
    """Make the corpus, train, measure on fresh systems, and write a model folder; all but the last step can be resumed.

    folder   holds `corpus`, `run` (checkpoint, log) and at the end `model`, which is what comes back and what
             `Proposer.from_pretrained` reads
    systems  that the card's figures come from, drawn with a fresh seed from the published generator

    Raises InputError when `model` exists and `overwrite` is false, and as `make_corpus` and `train` do. Under torchrun
    the first process measures and writes.
    """
    target = Path(folder) / "model"
    require_writable(target, overwrite, "folder")
    network, outcome = fit_network(options, folder, device, progress)
    ranks = join(torch.device(device))
    if ranks.rank:
        return target
    proposer = Proposer(network.cpu())
    figures = measured(proposer, options, systems)
    proposer.save_pretrained(target, card(options, outcome, figures, processes=ranks.size), overwrite)
    return target


def measured(proposer: Proposer, options: ProposerTraining, systems: int) -> dict[str, dict[str, float]]:
    """Figures by reader, on fresh systems of the published generator with as many states as the network has.

    The readers: the network by sampling, an untrained one of the same size, and blind draws from the generator.
    """
    published = GeneratorConfig(states=options.model.states, longest=options.model.length)
    examples = fresh_examples(systems, published, derive_seed(options.seed, 3))
    torch.manual_seed(derive_seed(options.seed, 4))
    untrained = Proposer(ODEFormer(options.model), proposer.options)
    found = {}
    for name, one in (("trained", proposer), ("untrained", untrained)):
        found[name] = {**asdict(measure(one.read, examples)), "surprise": surprise(one, examples)}
    samples = proposer.options.samples
    found["blind draws"] = asdict(measure(blind(published, samples, options.seed), examples))
    return found
