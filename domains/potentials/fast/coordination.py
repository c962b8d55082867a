"""How many neighbours of each element an atom is bonded to, as a smooth number: it tells surroundings apart.

Weights of an acorn may depend on it: a carbon with three hydrogens and one in a ring share what they have in common
and learn the rest apart. Within a bond network the numbers hardly change, so they act as the atom types of a force
field that nobody had to assign; where bonds break they change smoothly, and forces follow the gradient all the same.
"""

import torch
from torch import Tensor

from .pairs import Sloped, envelope

REACH = 1.3  # times the sum of covalent radii: half a neighbour
BLUR = 0.06  # of that, over which a neighbour fades


def bonded(lengths: Tensor, radii: Tensor, cutoff: float) -> Sloped:
    """Lengths of pairs (e,) in Å and sums of covalent radii (e,) in Å -> between 0 and 1, zero at the cutoff."""
    share, fade = torch.sigmoid((REACH - lengths / radii) / BLUR), envelope(lengths, cutoff)
    value = share * fade.value
    return Sloped(value, share * fade.slope - value * (1 - share) / (radii * BLUR))


def counted(share: Tensor, first: Tensor, kind: Tensor, atoms: int, kinds: int) -> Tensor:
    """Shares of pairs (e,) summed by the element of the neighbour -> (atoms, kinds)."""
    made = torch.zeros(atoms * kinds, dtype=share.dtype, device=share.device)
    return made.index_add(0, first * kinds + kind, share).reshape(atoms, kinds)
