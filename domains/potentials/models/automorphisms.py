"""Which relabellings of a molecule's atoms leave its elements and bonds as they are."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .radii import bond_lengths

STRETCH = 1.25  # of the sum of covalent radii: closer atoms are bonded


def bonds_of(numbers: NDArray[np.int64], positions: NDArray[np.float64], stretch: float = STRETCH) -> NDArray[np.bool_]:
    """(atom, atom) bonds by the median distance over frames; positions (frame, atom, 3) in Å."""
    gaps = np.linalg.norm(positions[:, :, None] - positions[:, None], axis=-1)
    near: NDArray[np.bool_] = np.median(gaps, axis=0) < stretch * bond_lengths(numbers)
    np.fill_diagonal(near, False)
    return near


def automorphisms(numbers: NDArray[np.int64], bonds: NDArray[np.bool_], limit: int = 200) -> NDArray[np.int64]:
    """A group of relabellings (relabelling, atom), the identity first: of all, or of a part when they are over `limit`.

    In a larger group atoms are held in their places, one after another, until no more than `limit` are left; these are
    a group again.
    """
    held: list[int] = []
    while True:
        found = _search(numbers, bonds, held, limit)
        if found is not None:
            return found
        held.append(len(held))


def matched(
    numbers: NDArray[np.int64],
    bonds: NDArray[np.bool_],
    other_numbers: NDArray[np.int64],
    other_bonds: NDArray[np.bool_],
) -> NDArray[np.int64] | None:
    """(atom,) of another molecule's atoms, those that stand where the first's do; None for another graph."""
    count = len(numbers)
    if sorted(numbers.tolist()) != sorted(other_numbers.tolist()):
        return None
    both = np.zeros((2 * count, 2 * count), bool)
    both[:count, :count], both[count:, count:] = bonds, other_bonds
    colours = _refined(np.concatenate([numbers, other_numbers]), both, [])
    found = _mapped(bonds, other_bonds, colours[:count], colours[count:], 1, all_of_them=False)
    return found[0] if found else None


def _search(
    numbers: NDArray[np.int64], bonds: NDArray[np.bool_], held: Sequence[int], limit: int
) -> NDArray[np.int64] | None:
    """All relabellings that hold some atoms, or None when they are over the limit."""
    colours = _refined(numbers, bonds, held)
    found = _mapped(bonds, bonds, colours, colours, limit)
    return None if found is None else np.array(sorted(found, key=tuple))


def _mapped(
    bonds: NDArray[np.bool_],
    others: NDArray[np.bool_],
    colours: NDArray[np.int64],
    other_colours: NDArray[np.int64],
    limit: int,
    all_of_them: bool = True,
) -> list[NDArray[np.int64]] | None:
    """Images of the atoms among others with the same colours and bonds: all, or None when they are over the limit.

    all_of_them  False: the first ones, up to the limit
    """
    order = _walk(bonds)
    found: list[NDArray[np.int64]] = []
    images = np.full(len(colours), -1)
    used = np.zeros(len(colours), bool)

    def extend(depth: int) -> bool:
        if depth == len(order):
            found.append(images.copy())
            return len(found) <= limit - (not all_of_them)
        atom, before = order[depth], order[:depth]
        for image in np.flatnonzero((other_colours == colours[atom]) & ~used).tolist():
            if (bonds[atom, before] == others[image, images[before]]).all():
                images[atom], used[image] = image, True
                going = extend(depth + 1)
                images[atom], used[image] = -1, False
                if not going:
                    return False
        return True

    return found if extend(0) or not all_of_them else None


def _refined(numbers: NDArray[np.int64], bonds: NDArray[np.bool_], held: Sequence[int]) -> NDArray[np.int64]:
    """Colours that no relabelling mixes: element and place held, then the colours around, until nothing splits."""
    names = [(int(number), atom if atom in held else -1) for atom, number in enumerate(numbers)]
    colours = np.unique(np.array(names), axis=0, return_inverse=True)[1].ravel()
    while True:
        around = np.stack([np.bincount(colours[row], minlength=len(numbers)) for row in bonds])
        finer = np.unique(np.column_stack([colours, around]), axis=0, return_inverse=True)[1].ravel()
        if finer.max() == colours.max():
            return np.asarray(finer, np.int64)
        colours = finer


def _walk(bonds: NDArray[np.bool_]) -> list[int]:
    """Atoms in an order in which each is bonded to one before it, where the molecule allows that."""
    order: list[int] = []
    for start in range(len(bonds)):
        waiting = [start]
        while waiting:
            atom = waiting.pop(0)
            if atom not in order:
                order.append(atom)
                waiting += np.flatnonzero(bonds[atom]).tolist()
    return order
