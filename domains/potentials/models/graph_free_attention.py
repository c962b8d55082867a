"""What the graph-free transformer looks at: attention against distance, and how far it reaches."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from ....shared.errors import InputError
from ..frame import Frame
from .graph_free import GraphFreeTransformer
from .graph_free_frames import inertia_frames, turned
from .graph_free_tokens import tokens_of

Floats = NDArray[np.float64]


class AttentionByDistance(NamedTuple):
    """Mean weight that an atom gives to another at a distance, ready to plot."""

    distance_angstrom: Floats  # (bin,) middles
    weight: Floats  # (block, head, bin), NaN where no pair fell
    pairs: NDArray[np.int64]  # (bin,)


class Reach(NamedTuple):
    """How far each atom looks, beside how closely it is surrounded."""

    radius_angstrom: Floats  # (block, head, atom), within it lies `share` of its attention to other atoms
    nearest_angstrom: Floats  # (atom,) distance of its nearest neighbour


def atom_attention(part: GraphFreeTransformer, frame: Frame) -> Floats:
    """Weights between the atoms of one molecule, (block, head, atom, atom); what marks get is left out.

    The molecule is looked at as it lies; with frames="inertia" in the first of its four frames of inertia.
    Raises InputError before `fit`.
    """
    if part.network is None:
        raise InputError(f"{part.name} has not learned yet; call fit first.")
    positions = torch.from_numpy(frame.positions)
    if part.training_.frames == "inertia":
        whole = torch.zeros(len(frame), dtype=torch.long)
        positions = positions - positions.mean(0)
        positions = turned(positions, inertia_frames(positions, whole, 1)[0], whole)
    positions = positions.to(next(part.network.parameters()).dtype)
    numbers = torch.from_numpy(frame.numbers)
    with torch.no_grad():
        tokens = tokens_of(part.config, numbers, positions, (len(frame),), part.charge, part.spin)
        every = part.network.attention(tokens)
    return every[:, :, tokens.atoms][..., tokens.atoms].double().numpy()


def attention_by_distance(
    part: GraphFreeTransformer, frames: Sequence[Frame], longest: float = 10.0, bins: int = 40
) -> AttentionByDistance:
    """Mean weight of pairs of different atoms in `bins` shells up to `longest` Å, over all frames."""
    edges = np.linspace(0.0, longest, bins + 1)
    sums, counts = np.zeros((part.config.depth, part.config.heads, bins)), np.zeros(bins, np.int64)
    for frame in frames:
        weights, distance = atom_attention(part, frame), _distances(frame)
        shell = np.digitize(distance, edges) - 1
        shell[np.diag_indices(len(frame))] = -1
        for one in np.unique(shell[(shell >= 0) & (shell < bins)]):
            chosen = shell == one
            counts[one] += chosen.sum()
            sums[:, :, one] += weights[:, :, chosen].sum(-1)
    with np.errstate(invalid="ignore"):
        return AttentionByDistance((edges[:-1] + edges[1:]) / 2, np.where(counts > 0, sums / counts, np.nan), counts)


def effective_radius(part: GraphFreeTransformer, frame: Frame, share: float = 0.9) -> Reach:
    """The smallest radius about each atom within which `share` of its attention to the other atoms lies."""
    if len(frame) < 2 or not 0 < share <= 1:
        raise InputError(f"give a molecule of 2 atoms or more and a share in (0, 1]; got {len(frame)} and {share}.")
    weights, distance = atom_attention(part, frame), _distances(frame)
    order = np.argsort(distance, axis=1)[:, 1:]  # from the nearest on, without itself
    far = np.take_along_axis(distance, order, 1)
    given = np.take_along_axis(weights, np.broadcast_to(order, (*weights.shape[:2], *order.shape)), 3).cumsum(-1)
    enough = (given >= share * given[..., -1:] * (1 - 1e-9)).argmax(-1)  # (block, head, atom)
    radius = np.take_along_axis(np.broadcast_to(far, given.shape), enough[..., None], 3)[..., 0]
    return Reach(radius, far[:, 0])


def _distances(frame: Frame) -> Floats:
    out: Floats = np.linalg.norm(frame.positions[:, None] - frame.positions[None], axis=-1)
    return out
