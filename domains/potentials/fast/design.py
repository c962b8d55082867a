"""What each invariant contributes to the energy, forces and stress of a frame: the rows of a linear regression."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ....shared.errors import InputError
from ..batch import collate
from ..frame import VOIGT, Frame
from ..models.radii import COVALENT
from .config import AcornConfig
from .coordination import bonded, counted
from .density import Waves, gathered
from .invariants import Invariants
from .pairs import Pairs, radial
from .whole import Whole

Floats = NDArray[np.float64]
NUMBERS = 10_000_000  # of derivatives that are held at once


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows of one frame, and what they should come to.

    blocks  for atoms, for two, three and four bodies, for three and four bodies times coordination, and for a whole
            molecule, each (1 + 3 atoms [+ 6], columns)
    labels  (1 + 3 atoms [+ 6],) energy in eV, forces in eV/Å, strain derivative of the energy in eV
    kinds   0 for the energy, 1 for forces, 2 for strain
    """

    blocks: list[Floats]
    labels: Floats
    kinds: NDArray[np.int8]

    def only(self, places: NDArray[np.int64]) -> "Rows":
        """Some of the equations, as copies."""
        return Rows([one[places] for one in self.blocks], self.labels[places], self.kinds[places])


class Design:
    """Rows for frames of these elements.

    columns  of each block: counts of the elements, then for each element of the central atom its invariants; those
             that are gated, for each element of the central atom and of the neighbours that are counted; functions
             of a whole molecule
    centres  (elements, elements) coordination that counts as zero, by element of the central atom; set by `centre`
    """

    def __init__(self, config: AcornConfig, elements: tuple[int, ...], whole: Whole | None = None) -> None:
        config = config.sized(len(elements))
        self.config, self.elements = config, elements
        self.invariants = Invariants(config, len(elements))
        kinds, bodies = len(elements), self.invariants.bodies
        gated = [kinds**2 * bodies[0] * (config.gates >= 3), kinds**2 * bodies[1] * (config.gates >= 4)]
        local = kinds, kinds**2 * config.radial_two, *(kinds * count for count in bodies), *gated
        self.whole, self.local = whole, sum(local)
        self.columns = (*local, 0 if whole is None else whole.columns)
        self.gated = [body for body, count in enumerate(gated) if count]
        self.radii = torch.from_numpy(COVALENT[list(elements)])
        self.centres = torch.zeros(kinds, kinds, dtype=torch.float64)
        self._place = torch.full((max(elements) + 1,), -1)
        self._place[list(elements)] = torch.arange(len(elements))

    def places(self, numbers: Tensor) -> Tensor:
        """Atomic numbers -> places among the elements."""
        return self._place.to(numbers.device)[numbers]

    def centre(self, frames: Sequence[Frame]) -> None:
        """Take the mean coordination of these frames for zero."""
        sums = torch.zeros_like(self.centres)
        counts = torch.zeros(len(self.elements), 1, dtype=torch.float64)
        for frame in frames:
            near = self._near(frame)
            sums.index_add_(0, near.kind, self._coordination(near))
            counts += torch.bincount(near.kind, minlength=len(counts))[:, None]
        self.centres = sums / counts.clamp_min(1)

    def rows(self, frame: Frame) -> Rows:
        """Rows of a labelled frame; with stress where it has that."""
        assert frame.energy is not None and frame.forces is not None
        near = self._near(frame)
        stress = frame.stress is not None and frame.volume > 0
        blocks = [np.zeros((1 + 3 * len(frame) + 6 * stress, count)) for count in self.columns]
        blocks[0][0] = np.bincount(near.kind.numpy(), minlength=len(self.elements))
        for block, sums in zip(blocks[1:-1], self._derivatives(near, stress), strict=True):
            if block.shape[1]:
                block[0] = sums.value.reshape(-1).numpy()
                block[1 : 1 + 3 * len(frame)] = -sums.moved.reshape(3 * len(frame), -1).numpy()
            if block.shape[1] and stress:
                block[-6:] = sums.strained.reshape(6, -1).numpy()
        if self.whole is not None:
            blocks[-1] = self.whole.rows(frame.positions)
        labels = [np.array([frame.energy]), frame.forces.ravel()]
        if frame.stress is not None and stress:
            labels.append(frame.stress * frame.volume)
        kinds = np.repeat(np.arange(len(labels), dtype=np.int8), [len(one) for one in labels])
        return Rows(blocks, np.concatenate(labels), kinds)

    def _near(self, frame: Frame) -> "_Near":
        batch = collate([frame], self.config.cutoff)
        vectors = batch.vectors(batch.positions, batch.cells)
        return _Near(batch.first, batch.second, vectors, self.places(batch.numbers))

    def _coordination(self, near: "_Near") -> Tensor:
        radii = self.radii[near.kind[near.first]] + self.radii[near.kind[near.second]]
        share = bonded(Pairs.of(near.vectors).lengths, radii, self.config.near)
        return counted(share.value, near.first, near.kind[near.second], len(near.kind), len(self.elements))

    def _derivatives(self, near: "_Near", stress: bool) -> "list[_Sums]":
        """For the blocks after the first, in their order."""
        kinds, kind, config = len(self.elements), near.kind, self.config
        pairs = Pairs.of(near.vectors)
        found = radial(pairs.lengths, config.radial_two, config.cutoff, config)
        slope = found.slope[:, :, None] * pairs.directions[:, None, :]
        two = _Sums.zeros(len(kind), kinds, kinds * config.radial_two)
        ripple = torch.zeros(len(near.first), kinds, config.radial_two, 4, dtype=torch.float64)
        ripple[torch.arange(len(near.first)), kind[near.second]] = torch.cat([slope, found.value[..., None]], -1)
        ripple = ripple.flatten(1, 2)
        two.value.index_add_(0, kind[near.first], ripple[..., 3])
        two.add(ripple[..., :3].transpose(1, 2), *near[:3], kind, stress)
        return [two, *self._many(near, stress)]

    def _many(self, near: "_Near", stress: bool) -> "list[_Sums]":
        kinds, kind, config = len(self.elements), near.kind, self.config
        gates = self._coordination(near) - self.centres[kind]
        near = near.within(config.near)
        pairs = Pairs.of(near.vectors)
        found = Waves.of(pairs, config)
        slope = found.slope(pairs)
        density = gathered(found.value, near.first, kind[near.second], len(kind), kinds)
        values = self.invariants.values(density)
        sums = [_Sums.zeros(len(kind), kinds, value.shape[1]) for value in values]
        sums += [_Sums.zeros(len(kind), kinds, kinds * values[body].shape[1]) for body in self.gated]
        for one, value in zip(sums, values, strict=False):
            one.value.index_add_(0, kind, value)
        for one, body in zip(sums[len(values) :], self.gated, strict=True):
            one.value.index_add_(0, kind, (gates[:, :, None] * values[body][:, None, :]).flatten(1))
        fading = self._fading(near)
        steps = slope.permute(0, 3, 1, 2).contiguous()  # (pair, 3, radial, harmonic)
        fewer = steps[:, :, : config.four, : (config.degree_four + 1) ** 2]
        for atom, other, own, by_density in self._by_density(near, density):
            change = [
                (part[own].flatten(0, 1) @ one.flatten(1).T).reshape(len(own), 3, -1)
                for one, part in zip(by_density, (steps.flatten(2), fewer.flatten(2)), strict=True)
            ]
            for body in self.gated:
                both = gates[atom][:, None] * change[body][:, :, None, :]
                both[:, :, other] += fading[own][:, :, None] * values[body][atom]
                change.append(both.flatten(2))
            for one, pulled in zip(sums, change, strict=True):
                one.add_around(atom, pulled, near.second[own], near.vectors[own], int(kind[atom]), stress)
        empty = _Sums.zeros(0, kinds, 0)
        return sums + [empty] * (len(self.columns) - 3 - len(sums))

    def _by_density(self, near: "_Near", density: Tensor) -> Iterator[tuple[int, int, Tensor, list[Tensor]]]:
        """Each atom with each element around it: atom, element, pairs, slopes of invariants by that density.

        Slopes are (count, channels of the element, harmonics), of three and of four bodies.
        """
        kinds = len(self.elements)
        place = near.first * kinds + near.kind[near.second]
        counts = torch.bincount(place, minlength=len(near.kind) * kinds).tolist()
        owns = torch.split(torch.argsort(place, stable=True), counts)
        portion = max(1, NUMBERS // (sum(self.invariants.bodies) * density[0].numel()))
        room = self.invariants.room(min(portion, len(density)))
        for start in range(0, len(density), portion):
            slopes = self.invariants.slopes(density[start : start + portion], room)
            for atom in range(start, min(start + portion, len(density))):
                parted = [one[atom - start].chunk(kinds, 1) for one in slopes]
                for other, own in enumerate(owns[atom * kinds : (atom + 1) * kinds]):
                    if len(own):
                        yield atom, other, own, [one[other] for one in parted]

    def _fading(self, near: "_Near") -> Tensor:
        """Derivative of each pair's share in the coordination of its first atom, (pair, 3)."""
        pairs, radii = Pairs.of(near.vectors), self.radii[near.kind[near.first]] + self.radii[near.kind[near.second]]
        return bonded(pairs.lengths, radii, self.config.near).slope[:, None] * pairs.directions


def restrained(config: AcornConfig, kinds: int, columns: int) -> AcornConfig:
    """A basis of at most so many columns: gates go first, then functions and degrees of four bodies."""
    config = config.sized(kinds)
    while sum(Design(config, tuple(range(1, kinds + 1))).columns) > columns:
        if config.gates:
            config = replace(config, gated=3 if config.gates == 4 else 0)
        elif config.four > 2:
            config = replace(config, radial_four=config.four - 1)
        elif config.degree_four > 2:
            config = replace(config, degree_four=config.degree_four - 1)
        elif config.four > 0:
            config = replace(config, radial_four=config.four - 1)
        elif config.radial > 3:
            config = replace(config, radial=config.radial - 1)
        else:
            raise InputError(f"{kinds} elements are too many for this potential with so many frames.")
    return config


class _Near(NamedTuple):
    """Pairs of one frame and the place of each atom's element."""

    first: Tensor
    second: Tensor
    vectors: Tensor
    kind: Tensor

    def within(self, length: float) -> "_Near":
        """Without pairs that are farther apart, in Å."""
        kept = (self.vectors.square().sum(1) < length**2).nonzero()[:, 0]
        return _Near(self.first[kept], self.second[kept], self.vectors[kept], self.kind)


class _Sums(NamedTuple):
    """Sums over the atoms of each element: (elements, count), (atoms, 3, elements, count), (6, elements, count)."""

    value: Tensor
    moved: Tensor
    strained: Tensor

    @classmethod
    def zeros(cls, atoms: int, elements: int, count: int) -> "_Sums":
        """Nothing yet."""
        shapes = (elements, count), (atoms, 3, elements, count), (6, elements, count)
        return cls(*(torch.zeros(shape, dtype=torch.float64) for shape in shapes))

    def add(self, pulled: Tensor, i: Tensor, j: Tensor, vectors: Tensor, kind: Tensor, stress: bool) -> None:
        """Add derivatives (pair, 3, count) of what belongs to the atoms i, by the vectors to the atoms j."""
        atoms, _, elements, count = self.moved.shape
        for element in torch.unique(kind[i]).tolist():
            own = (kind[i] == element).nonzero()[:, 0]
            some = pulled.index_select(0, own)
            self.moved[:, :, element].index_add_(0, j[own], some)
            self.moved[:, :, element].index_add_(0, i[own], some, alpha=-1)
            if stress:
                along = vectors[own]
                for place, (a, b) in enumerate(VOIGT):
                    self.strained[place, element] += (along[:, b] @ some[:, a] + along[:, a] @ some[:, b]) / 2

    def add_around(self, atom: int, pulled: Tensor, j: Tensor, vectors: Tensor, element: int, stress: bool) -> None:
        """The same for one atom, of a known element, and neighbours of it."""
        self.moved[:, :, element].index_add_(0, j, pulled)
        self.moved[atom, :, element] -= pulled.sum(0)
        if stress:
            virial = torch.tensordot(vectors, pulled, ([0], [0]))  # (3, 3, count), by vector and by derivative
            for place, (a, b) in enumerate(VOIGT):
                self.strained[place, element] += (virial[b, a] + virial[a, b]) / 2
