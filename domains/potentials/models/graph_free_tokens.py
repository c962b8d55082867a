"""Molecules as tokens of the graph-free transformer's second stage: spin, charge, and one token an atom.

A molecule reads BOS, SPIN, value, SPIN_END, CHARGE, value, CHARGE_END, POS, an atom token each, POS_END. Atom tokens
all have the same id: geometry comes in through the continuous numbers, the element through a table of its own. The
paper's EOS after them is left out: nothing that is read off could see it (attention is causal behind POS_END).
"""

from enum import IntEnum
from typing import NamedTuple

import torch
from torch import Tensor

from ....shared.errors import InputError
from .graph_free_config import GraphFreeConfig


class Mark(IntEnum):
    """Tokens that say what follows, and the one of all atoms; ids of spins and charges come after them."""

    BOS = 0
    EOS = 1
    SPIN = 2
    SPIN_END = 3
    CHARGE = 4
    CHARGE_END = 5
    POS = 6
    POS_END = 7
    FORCE = 8
    FORCE_END = 9
    TARGET = 10
    TARGET_END = 11
    NUMBER = 12


HEAD = 8  # tokens before the first atom


class Tokens(NamedTuple):
    """Molecules end to end, t tokens with n atoms among them."""

    ids: Tensor  # (t,) int64
    values: Tensor  # (t, 3): Å at atoms; (spin, 0, 0) and (charge, 0, 0) at those; zero elsewhere
    elements: Tensor  # (t,) int64, zero where there is no atom
    atoms: Tensor  # (n,) int64, the tokens that are atoms
    lengths: tuple[int, ...]  # tokens of each molecule

    def to(self, device: str | torch.device) -> "Tokens":
        """The same on another device."""
        ids, values, elements, atoms, lengths = self
        return Tokens(ids.to(device), values.to(device), elements.to(device), atoms.to(device), lengths)


def vocabulary(config: GraphFreeConfig) -> int:
    """Number of token ids without bins: marks, spins, charges."""
    return len(Mark) + config.spins + 2 * config.charges + 1


def head_of(config: GraphFreeConfig, charge: int, spin: int) -> tuple[list[int], list[float]]:
    """Ids of the tokens before the atoms, and the first of their three continuous numbers.

    charge in elementary charges, spin as multiplicity; raises InputError where they have no token.
    """
    if not 1 <= spin <= config.spins or abs(charge) > config.charges:
        raise InputError(
            f"charge={charge} and spin={spin} (a multiplicity, 1 for closed shells) have no token; "
            f"charges go from {-config.charges} to {config.charges}, spins from 1 to {config.spins}."
        )
    spin_id = len(Mark) + spin - 1
    charge_id = len(Mark) + config.spins + config.charges + charge
    ids = [Mark.BOS, Mark.SPIN, spin_id, Mark.SPIN_END, Mark.CHARGE, charge_id, Mark.CHARGE_END, Mark.POS]
    return [int(one) for one in ids], [0, 0, float(spin), 0, 0, float(charge), 0, 0]


def require_elements(config: GraphFreeConfig, numbers: Tensor) -> None:
    """Raise InputError unless the table has a row for every atomic number."""
    lowest, highest = int(numbers.min()), int(numbers.max())
    if lowest < 1 or highest >= config.elements:
        raise InputError(
            f"element {lowest if lowest < 1 else highest} is not among the {config.elements - 1} of the table; "
            "give atomic numbers from 1 on, or a larger `elements`."
        )


def centred(positions: Tensor, structure: Tensor, sizes: tuple[int, ...]) -> Tensor:
    """Positions (n, 3) less the unweighted centroid of their molecule; differentiable."""
    counts = torch.tensor(sizes, dtype=positions.dtype, device=positions.device)
    sums = positions.new_zeros(len(sizes), 3).index_add(0, structure, positions)
    return positions - (sums / counts[:, None]).index_select(0, structure)


def tokens_of(
    config: GraphFreeConfig, numbers: Tensor, positions: Tensor, sizes: tuple[int, ...], charge: int = 0, spin: int = 1
) -> Tokens:
    """Molecules of `sizes` atoms as tokens, centred.

    numbers (n,) int64; positions (n, 3) in Å, through which gradients flow. Raises InputError for an element that the
    table lacks, and as `head_of` does.
    """
    require_elements(config, numbers)
    device, counts = positions.device, torch.tensor(sizes, device=positions.device)
    structure = torch.repeat_interleave(counts)
    starts = torch.cumsum(counts + HEAD + 1, 0) - (counts + HEAD + 1)
    total = sum(sizes) + (HEAD + 1) * len(sizes)
    atoms = torch.arange(len(numbers), device=device) + structure * (HEAD + 1) + HEAD
    ids = torch.full((total,), int(Mark.NUMBER), device=device)
    head, firsts = head_of(config, charge, spin)
    places = starts[:, None] + torch.arange(HEAD, device=device)
    ids[places] = torch.tensor(head, device=device)
    ids[starts + HEAD + counts] = int(Mark.POS_END)
    values = positions.new_zeros(total, 3)
    values[..., 0][places] = torch.tensor(firsts, dtype=positions.dtype, device=device)
    values = values.index_copy(0, atoms, centred(positions, structure, sizes))
    elements = torch.zeros(total, dtype=torch.int64, device=device).index_copy(0, atoms, numbers)
    return Tokens(ids, values, elements, atoms, tuple(size + HEAD + 1 for size in sizes))
