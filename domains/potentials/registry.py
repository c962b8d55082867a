"""Every potential the suite knows, by name; a model's module is imported when it is asked for."""

from collections.abc import Mapping
from dataclasses import is_dataclass
from importlib import import_module
from inspect import signature
from types import MappingProxyType
from typing import Any, NamedTuple, get_type_hints

from ...shared.errors import InputError
from ...shared.evaluation.comparison import Role
from ...shared.learning.folder import rebuild_config
from ...shared.reading.table import nearest
from .part import Part

DEFAULT = "acorn"
NONE: Mapping[str, Any] = MappingProxyType({})


class Entry(NamedTuple):
    """Where a potential is, and what it is."""

    module: str
    kind: str  # class
    role: Role
    text: str
    repels: bool = True  # a repulsion of close contacts is added to it
    refits: bool = True  # quick enough to be fitted again on all frames after folds of them were left out

    def make(self, settings: Mapping[str, Any] = NONE, device: str = "cpu") -> Part:
        """A new part, not fitted; raises InputError for settings that it does not know.

        settings  arguments of the class; a dictionary becomes the dataclass that is asked for
        device    where it learns, if it can choose
        """
        kind = part_class(self.module, self.kind)
        takes = signature(kind).parameters
        if unknown := sorted(set(settings) - set(takes)):
            raise InputError(f"{self.kind} has no setting {unknown[0]!r}; it has {', '.join(takes) or 'none'}.")
        hints = get_type_hints(kind.__init__)
        given = {
            name: rebuild_config(hints[name], value, f"the settings of {self.kind}")
            if is_dataclass(hints.get(name)) and isinstance(value, Mapping)
            else value
            for name, value in settings.items()
        }
        return kind(**given, **({"device": device} if "device" in takes and "device" not in given else {}))


MODELS: dict[str, Entry] = {
    DEFAULT: Entry(".fast.acorn", "Acorn", "simple", "body-ordered invariants, solved in closed form"),
    "acorn-taught": Entry(
        ".fast.taught", "TaughtAcorn", "simple", "an acorn that knew GFN2-xTB before it saw a frame"
    ),
    "graph-free-transformer": Entry(
        ".models.graph_free", "GraphFreeTransformer", "transformer",
        "a plain transformer on coordinates, direct forces", refits=False,
    ),
    "graph-free-transformer-conservative": Entry(
        ".models.graph_free", "ConservativeGraphFreeTransformer", "transformer",
        "the same with forces by gradient", refits=False,
    ),
    "mean": Entry(
        ".models.mean_energy", "ElementEnergies", "baseline", "an energy for each element, no forces", repels=False
    ),
    "xtb": Entry(".models.xtb", "Xtb", "baseline", "GFN2-xTB itself, energies shifted by element", repels=False),
    "descriptor-ridge": Entry(
        ".models.descriptor_ridge", "DescriptorRidge", "baseline", "ridge regression on many-body descriptors"
    ),
    "molecular-kernel": Entry(
        ".models.molecular_kernel", "MolecularKernel", "baseline", "a kernel in the gradient domain, for one molecule"
    ),
}  # fmt: skip

# further parts that a saved potential may hold
PARTS: dict[str, str] = {"Repulsion": ".models.repulsion", "Committee": ".committee"}


def entry(name: str) -> Entry:
    """The potential of this name; raises InputError with the names that are known."""
    if name not in MODELS:
        raise InputError(f"no potential is named {name!r}{nearest(name, MODELS)}; known are {', '.join(MODELS)}.")
    return MODELS[name]


def part_class(module: str, kind: str) -> type[Part]:
    """A class of this domain that is imported now."""
    found: type[Part] = getattr(import_module(module, __package__), kind)
    return found


def known_part(kind: str) -> type[Part]:
    """The class with this name among all that a folder may hold; raises LookupError for any other."""
    return part_class(({one.kind: one.module for one in MODELS.values()} | PARTS)[kind], kind)
