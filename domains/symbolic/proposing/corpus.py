"""A corpus of generated examples on disk: shards of plain arrays, made one by one and never made twice."""

import json
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ....shared.errors import InputError
from ....shared.learning.distributed import Ranks
from ....shared.writing import whole_file
from .generator import Example, GeneratorConfig, draw_examples

DRAWS = 8000  # systems drawn at once; they are integrated together
WAIT = 0.5  # seconds between looks for a shard that another process makes


@dataclass(frozen=True, eq=False)
class Corpus:
    """Examples end to end; example i owns words[word_edge[i]:word_edge[i + 1]], and so for its points."""

    words: NDArray[np.int16]  # (all tokens,)
    word_edge: NDArray[np.int64]  # (example + 1,)
    states: NDArray[np.float32]  # (all points, state), zero beyond an example's own states
    point_edge: NDArray[np.int64]  # (example + 1,)
    dimension: NDArray[np.int8]  # (example,)

    def __len__(self) -> int:
        """How many examples there are."""
        return len(self.dimension)

    def system(self, row: int) -> NDArray[np.int64]:
        """The words of an example."""
        return self.words[self.word_edge[row] : self.word_edge[row + 1]].astype(np.int64)

    def part(self, first: int, end: int) -> "Corpus":
        """Examples `first` to `end` alone."""
        words, points = (edge[first : end + 1] for edge in (self.word_edge, self.point_edge))
        return Corpus(
            self.words[words[0] : words[-1]], words - words[0],
            self.states[points[0] : points[-1]], points - points[0], self.dimension[first:end],
        )  # fmt: skip


def pack_examples(examples: list[Example], states: int) -> Corpus:
    """The examples as plain arrays, with room for so many states."""
    paths = [np.pad(one.states, ((0, 0), (0, states - one.states.shape[1]))) for one in examples]
    edges = (np.cumsum([0, *map(len, rows)]) for rows in ([one.words for one in examples], paths))
    word_edge, point_edge = edges
    return Corpus(
        np.concatenate([one.words for one in examples]).astype(np.int16), word_edge,
        np.concatenate(paths).astype(np.float32), point_edge,
        np.array([len(one.components) for one in examples], np.int8),
    )  # fmt: skip


def make_corpus(
    folder: str | Path, examples: int, config: GeneratorConfig = GeneratorConfig(), seed: int = 0,
    progress: bool = True, ranks: Ranks = Ranks(),
) -> Corpus:  # fmt: skip
    """The corpus in a folder of shards `NNNNN.npz`, grown to at least so many examples.

    Each shard follows from the seed and its own number, so a run that stopped goes on where it was, and a longer
    corpus begins with the shorter one. Of several processes shard n is made by rank n modulo their number, while the
    others wait for the file. Raises InputError when the folder holds shards of other settings.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    about = json.dumps({"generator": asdict(config), "seed": seed, "draws": DRAWS}, indent=2)
    note = folder / "generator.json"
    if note.exists() and note.read_text(encoding="utf-8") != about:
        raise InputError(f"{folder} holds a corpus of other settings; give another folder, or the settings in {note}.")
    if ranks.rank == 0:
        with whole_file(note, overwrite=True) as partial:
            partial.write_text(about, encoding="utf-8")
    shards: list[Corpus] = []
    bar = tqdm(total=examples, unit="example", disable=None if progress and ranks.rank == 0 else True)
    while (done := sum(map(len, shards))) < examples:
        path = folder / f"{len(shards):05d}.npz"
        while not path.exists() and len(shards) % ranks.size != ranks.rank:
            time.sleep(WAIT)
        if not path.exists():
            found, _ = draw_examples(np.random.default_rng([seed, len(shards)]), DRAWS, config)
            with whole_file(path) as partial, partial.open("wb") as file:
                np.savez(file, **vars(pack_examples(found, config.states)))
        with np.load(path, allow_pickle=False) as stored:
            shards.append(Corpus(**{name: stored[name] for name in (one.name for one in fields(Corpus))}))
        bar.update(min(examples, done + len(shards[-1])) - done)
    bar.close()
    return _joined(shards)


def _joined(shards: list[Corpus]) -> Corpus:
    starts = {name: np.cumsum([0, *(getattr(one, name)[-1] for one in shards)]) for name in ("word_edge", "point_edge")}
    edges = {
        name: np.concatenate([[0], *(getattr(one, name)[1:] + start for one, start in zip(shards, at, strict=False))])
        for name, at in starts.items()
    }
    rest = {name: np.concatenate([getattr(one, name) for one in shards]) for name in ("words", "states", "dimension")}
    return Corpus(**edges, **rest)
