"""A frame as its file has it: labels under whatever keys, units not yet known."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(slots=True)
class RawFrame:
    """Atoms with everything that was written beside them.

    numbers    (atom,)
    positions  (atom, 3) in the length unit of the file
    cell       (3, 3) rows a, b, c, or None where the file has none
    pbc        (3,), or None where the file does not say
    info       numbers, arrays and words of the whole frame, by key
    arrays     numbers per atom, by key: (atom,) or (atom, column)
    where      file and frame, for messages
    group      what tells one trajectory or kind of frame from another; empty where nothing does
    fixed      whether the format fixes the units as Å, eV, eV/Å and eV/Å³
    """

    numbers: NDArray[np.int64]
    positions: Floats
    cell: Floats | None
    pbc: NDArray[np.bool_] | None
    where: str
    info: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, Any] = field(default_factory=dict)
    group: str = ""
    fixed: bool = False

    def __len__(self) -> int:
        return len(self.numbers)
