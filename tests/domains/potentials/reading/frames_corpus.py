"""Write the corpus of bad frames: small files, each with one thing wrong, and what must come of it."""

import gzip
import json
import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from labformer.domains.potentials.frame import Frame, to_atoms
from labformer.domains.potentials.reading.elements import SYMBOLS
from labformer.domains.potentials.reading.embedded import copper_emt, ethanol_gfn2

COUNT = 24
KCAL, HARTREE, BOHR = 1 / 0.0433641153087705, 1 / 27.211386245981, 1 / 0.529177210544


@dataclass(frozen=True)
class Case:
    """One file or folder and what reading it must lead to."""

    name: str
    path: Path
    expectation: Literal["clean", "repaired", "refused"]
    words: tuple[str, ...] = ()  # in one repair line, or in the line of the error
    options: dict[str, Any] = field(default_factory=dict)  # of ReadOptions
    truth: tuple[Frame, ...] | None = None


def text_of(
    frames: Sequence[Frame],
    energy: str = "energy",
    forces: str = "forces",
    lattice: str | None = None,
    pbc: str | None = None,
    extra: Callable[[Frame], str] = lambda _: "",
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0),
) -> str:
    """Extended XYZ with other keys, cells or units (factors of positions, energies and forces)."""
    lines = []
    for one in frames:
        cell = lattice if lattice is not None else " ".join(f"{x:.9g}" for x in (one.cell * scale[0]).reshape(-1))
        header = f'Lattice="{cell}" ' if cell and (one.periodic or lattice) else ""
        columns = f":{forces}:R:3" if forces else ""
        header += f"Properties=species:S:1:pos:R:3{columns} "
        header += f"{energy}={one.energy * scale[1]:.9f} " if energy and one.energy is not None else ""
        said = pbc if pbc is not None else " ".join("FT"[int(flag)] for flag in one.pbc)
        header += f'pbc="{said}" ' if said else ""
        lines += [str(len(one)), header + extra(one)]
        for number, place, pull in zip(one.numbers, one.positions * scale[0], one.forces * scale[2], strict=True):
            numbers = [*place, *pull] if forces else [*place]
            lines.append(f"{SYMBOLS[number - 1]} " + " ".join(f"{value:.9f}" for value in numbers))
    return "\n".join(lines) + "\n"


class Corpus:
    """A folder that fills with cases."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cases: list[Case] = []
        self.molecules = tuple(ethanol_gfn2()[:COUNT])
        self.crystals = tuple(copper_emt(12))

    def add(
        self,
        name: str,
        content: str | bytes | Callable[[Path], object],
        *expected: str,
        truth: tuple[Frame, ...] | None = None,
        **options: Any,
    ) -> None:
        """File `name`; `expected` is refused, repaired or clean and the words."""
        path = self.folder / (name if "." in name else f"{name}.extxyz")
        match content:
            case str():
                path.write_text(content, encoding="utf-8", newline="")
            case bytes():
                path.write_bytes(content)
            case _:
                content(path)
        self.cases.append(Case(name, path, expected[0], expected[1:], options, truth))  # type: ignore[arg-type]

    def text(self) -> str:
        return text_of(self.molecules)

    def put(self, place: int, **changes: Any) -> list[Frame]:
        """The molecules with one frame changed."""
        return [replace(one, **changes) if at == place else one for at, one in enumerate(self.molecules)]


def write_corpus(folder: Path) -> list[Case]:
    """Write every file into `folder`: -> the cases."""
    corpus = Corpus(folder)
    for part in (_containers, _lines, _labels, _units, _cells, _values, _stress, _json, _arrays):
        part(corpus)
    return corpus.cases


def _containers(corpus: Corpus) -> None:
    text, truth = corpus.text(), corpus.molecules
    packed = gzip.compress(text.encode(), mtime=0)
    corpus.add("clean", text, "clean", truth=truth)
    corpus.add("clean.xyz", text, "clean", truth=truth)
    corpus.add("windows-lines", text.replace("\n", "\r\n"), "clean", truth=truth)
    corpus.add("byte-order-mark", b"\xef\xbb\xbf" + text.encode(), "clean", truth=truth)
    corpus.add("packed.extxyz.gz", packed, "clean", truth=truth)
    corpus.add("cut-short.extxyz.gz", packed[:2000], "refused", "cannot be unpacked as gzip", "cut short")
    corpus.add("packed-named-plain", packed, "refused", "gzip-compressed inside", "rename it")
    corpus.add("empty", b"", "refused", "is empty (0 bytes)")
    corpus.add("blanks", "\n\n  \n", "refused", "holds no frames")
    corpus.add("binary", np.arange(300.0).tobytes(), "refused", "is binary")
    corpus.add(
        "latin", text.replace("pbc=", 'who="J\u00f8rgen" pbc=').encode("latin-1"), "refused", "not UTF-8", "line 2"
    )
    corpus.add("pickled.pkl", pickle.dumps([1, 2]), "refused", "cannot read .pkl")
    corpus.add("a-folder", lambda path: path.mkdir(), "refused", "is a folder and no system of DeePMD")
    corpus.add("gone", lambda _: None, "refused", "no file")
    corpus.add("frames.traj", lambda path: _by_ase(truth, path), "clean", truth=truth)
    corpus.add("frames.db", lambda path: _by_ase(truth, path), "clean", truth=truth)
    corpus.add("not-a.traj", text, "refused", "cannot be read by ASE")


def _by_ase(frames: Sequence[Frame], path: Path) -> None:
    from ase.io import write

    write(path, [to_atoms(one) for one in frames])


def _lines(corpus: Corpus) -> None:
    text = corpus.text()
    lines = text.splitlines()
    rest = "\n".join(lines[1:])
    corpus.add("count-too-large", "10\n" + rest, "refused", "frame 0", "line 12")
    corpus.add("count-too-small", "8\n" + rest, "refused", "frame 1: line 11 must be the number of atoms", "too small")
    corpus.add("count-of-text", "nine\n" + rest, "refused", "line 1 must be the number of atoms", "'nine'")
    corpus.add("no-atoms", "0\n\n" + text, "refused", "0 atoms")
    corpus.add("cut-short", "\n".join(lines[:40]), "refused", "frame 3", "cut short")
    corpus.add("cut-in-a-line", text[:-30], "refused", f"frame {COUNT - 1}", "columns where 7 are due")
    blank = [*lines[:5], "", *lines[5:]]
    corpus.add("blank-inside", "\n".join(blank), "refused", "frame 0", "is blank")
    corpus.add("blank-between", text.replace("\n9\n", "\n\n9\n"), "clean", truth=corpus.molecules)
    corpus.add(
        "extra-column", "\n".join(x + " 1.0" if x[0] in "CHO" else x for x in lines), "refused", "8 columns where 7"
    )
    plain = "\n".join("a comment" if "Properties" in x else x for x in lines)
    corpus.add("columns-unnamed", plain, "refused", "does not say what they are", "Properties=")
    corpus.add("decimal-commas", text.replace("-0.377109", "-0,377109"), "refused", "decimal commas", "line 3")
    corpus.add("text-in-a-cell", text.replace("-0.377109", "n/a"), "refused", "line 3", "no number")
    corpus.add("two-columns-of-forces", text.replace("forces:R:3", "forces:R:2:x:R:1"), "refused", "shape (9, 2)")
    corpus.add("properties-broken", text.replace("pos:R:3", "pos:R:three"), "refused", "pos:R:three")
    more = text.replace("forces:R:3", "forces:R:3:charge:R:1")
    more = "\n".join(x + " 0.1" if x[0] in "CHO" else x for x in more.splitlines())
    corpus.add("charges-too", more, "clean", truth=corpus.molecules)
    unknown = text.replace("\nO ", "\nQx ")
    corpus.add("element-unknown", unknown, "refused", "frame 0", "atom 2", "'Qx'")
    corpus.add("deuterium", text.replace("\nH ", "\nD "), "refused", "'D'", "write 'H'")
    corpus.add("names-of-atoms", text.replace("\nO ", "\nO1 "), "refused", "'O1'", "write 'O'")
    numbers = text.replace("\nH ", "\n1 ").replace("\nC ", "\n6 ").replace("\nO ", "\n8 ")
    corpus.add("atomic-numbers", numbers, "clean", truth=corpus.molecules)


def _labels(corpus: Corpus) -> None:
    truth, text = corpus.molecules, corpus.text()
    corpus.add("no-forces", text_of(truth, forces=""), "refused", "no forces", "--forces-key")
    corpus.add("no-forces-needed", text_of(truth, forces=""), "clean", needs="energy")
    corpus.add("no-energy", text_of(truth, energy=""), "refused", "no energy", "--energy-key")
    corpus.add("nothing-needed", text_of(truth, energy="", forces=""), "clean", needs="nothing")
    some = text_of(truth[:20]) + text_of(truth[20:], forces="")
    corpus.add("forces-in-some", some, "refused", "4 frames of 24 have no forces", "frame 20")
    corpus.add("capital-energy", text_of(truth, energy="Energy"), "repaired", "energy read from 'Energy'", truth=truth)
    reference = text_of(truth, energy="REF_energy", forces="REF_forces")
    corpus.add("ref-keys", reference, "repaired", "forces read from 'REF_forces'", truth=truth)
    odd = text_of(truth, energy="pbe0", forces="grads")
    corpus.add("odd-keys", odd, "refused", "no energy", "'pbe0'", "--energy-key")
    corpus.add("odd-keys-named", odd, "clean", truth=truth, energy_key="pbe0", forces_key="grads")
    corpus.add("key-misspelt", text, "refused", "'enrgy'", "did you mean 'energy'", energy_key="enrgy")
    mixed = text_of(truth[:12]) + text_of(truth[12:], energy="REF_energy")
    corpus.add("mixed-keys", mixed, "refused", "'REF_energy'", "'energy'", "one key")
    two = text_of(truth, extra=lambda one: f"REF_energy={one.energy + 0.3:.6f}")
    corpus.add("two-energies", two, "refused", "say which", "--energy-key")
    corpus.add("two-energies-named", two, "clean", truth=truth, energy_key="energy")
    free = text_of(truth, extra=lambda one: f"free_energy={one.energy - 0.01:.6f}")
    corpus.add("free-energy-too", free, "repaired", "not from 'free_energy'", truth=truth)
    corpus.add(
        "energy-of-text", text.replace("energy=-309.561868000", "energy=failed", 1), "refused", "'failed'", "frame 0"
    )
    uphill = [replace(one, forces=-one.forces) for one in truth]  # type: ignore[operator]
    corpus.add("gradients", text_of(uphill), "refused", "uphill", "--gradients")
    corpus.add("gradients-said", text_of(uphill), "clean", truth=truth, gradients=True)
    corpus.add("gradients-named", text_of(uphill, forces="gradient"), "repaired", "minus what stands", truth=truth)
    atom = '1\nProperties=species:S:1:pos:R:3 config_type=IsolatedAtom energy=-10.7 pbc="F F F"\nH 0 0 0\n'
    corpus.add("isolated-atom", text + atom, "repaired", "isolated atoms of H", truth=truth)
    corpus.add("isolated-atom-twice", text + atom + atom.replace("10.7", "13.6"), "refused", "isolated H", "-13.6")
    corpus.add("only-atoms", atom, "refused", "only isolated atoms")
    single = "\n".join(f"{truth[0].energy * KCAL:.6f}" if "Prop" in x else x for x in text_of(truth[:1]).splitlines())  # type: ignore[operator]
    corpus.add("sgdml-layout.xyz", single, "repaired", "read as energy, positions and forces")


def _units(corpus: Corpus) -> None:
    truth = corpus.molecules
    kcal = text_of(truth, scale=(1, KCAL, KCAL))
    corpus.add("kcal", kcal, "refused", "--energy-unit kcal/mol", "--force-unit kcal/mol/Å")
    corpus.add("kcal-said", kcal, "repaired", "forces taken to be in kcal/mol/Å", truth=truth, energy_unit="kcal/mol")
    both = {"energy_unit": "kcal/mol", "force_unit": "kcal/mol/A"}
    corpus.add("kcal-said-twice", kcal, "clean", truth=truth, **both)
    hartree = text_of(truth, scale=(1, HARTREE, HARTREE / BOHR))
    corpus.add("hartree", hartree, "refused", "--energy-unit Hartree", "--force-unit Hartree/bohr")
    said = {"energy_unit": "Hartree", "force_unit": "Hartree/bohr"}
    corpus.add("hartree-said", hartree, "clean", truth=truth, **said)
    kilojoule = text_of(truth, scale=(1, KCAL * 4.184, KCAL * 4.184))
    corpus.add("kilojoule", kilojoule, "refused", "--energy-unit kJ/mol")
    energies = text_of(truth, scale=(1, HARTREE, 1))
    corpus.add("energies-hartree", energies, "refused", "times the work of the forces", "--energy-unit Hartree")
    meant = {"energy_unit": "Hartree", "force_unit": "eV/Å"}
    corpus.add("energies-hartree-said", energies, "clean", truth=truth, **meant)
    milli = text_of(truth, scale=(1, 1000, 1000))
    corpus.add("milli", milli, "refused", "--energy-unit meV")
    bohr = text_of(truth, scale=(BOHR, 1, 1))
    corpus.add("bohr", bohr, "refused", "nearest neighbours", "--length-unit bohr")
    corpus.add("bohr-said", bohr, "clean", truth=truth, length_unit="bohr", force_unit="eV/Å")
    corpus.add("nanometres", text_of(truth, scale=(0.1, 1, 1)), "refused", "--length-unit nm")
    each = text_of(truth, scale=(1, 1 / 9, 1))
    corpus.add("energy-per-atom", each, "refused", "times the work", "--energy-per-atom")
    corpus.add("energy-per-atom-said", each, "clean", truth=truth, energy_per_atom=True)
    corpus.add("unit-unknown", corpus.text(), "refused", "'kcla/mol' is not known", "kcal/mol", energy_unit="kcla/mol")
    two = text_of(truth[:16]) + text_of(truth[16:], scale=(1, KCAL, KCAL))
    corpus.add("two-units", two, "refused", "frame 16", "two units")


def _cells(corpus: Corpus) -> None:
    truth, crystals = corpus.molecules, corpus.crystals
    box = "50 0 0 0 50 0 0 0 50"
    corpus.add("box", text_of(truth, lattice=box, pbc="T T T"), "repaired", "without the box", truth=truth)
    corpus.add("box-pbc-unsaid", text_of(truth, lattice=box, pbc=""), "repaired", "without the box", truth=truth)
    corpus.add("box-not-periodic", text_of(truth, lattice=box), "clean", truth=truth)
    corpus.add("pbc-without-cell", text_of(truth, pbc="T T T"), "refused", "periodic and has no cell", "--pbc F")
    corpus.add("pbc-without-cell-said", text_of(truth, pbc="T T T"), "clean", truth=truth, pbc="F")
    flat = text_of(crystals, lattice="7.2 0 0 0 7.2 0 7.2 7.2 0")
    corpus.add("flat-cell", flat, "refused", "frame 0", "the cell is flat")
    corpus.add("cell-of-eight", text_of(crystals, lattice="7 0 0 0 7 0 0 0"), "refused", "nine numbers")
    corpus.add("cell-without-pbc", text_of(crystals, pbc="F F F"), "refused", "--pbc T if it is", "frame 0")
    corpus.add("cell-without-pbc-said", text_of(crystals, pbc="F F F"), "clean", truth=crystals, pbc="T")
    corpus.add("crystals", text_of(crystals), "clean", truth=crystals)
    turned = [replace(one, cell=one.cell * [[1], [1], [-1]]) for one in crystals]
    corpus.add("left-handed", text_of(turned), "repaired", "left-handed", "12 frames")
    corpus.add("pbc-misspelt", text_of(crystals, pbc="yes"), "refused", "pbc is", 'pbc="T T T"')


def _values(corpus: Corpus) -> None:
    truth = corpus.molecules
    hole = truth[3].positions.copy()
    hole[4, 1] = np.nan
    corpus.add("position-nan", text_of(corpus.put(3, positions=hole)), "refused", "frame 3", "atom 4", "not finite")
    left = truth[:5] + truth[6:]
    corpus.add(
        "energy-nan", text_of(corpus.put(5, energy=np.nan)), "repaired", "1 frame left out", "frame 5", truth=left
    )
    bad = truth[5].forces.copy()  # type: ignore[union-attr]
    bad[0] = np.inf
    corpus.add("forces-infinite", text_of(corpus.put(5, forces=bad)), "repaired", "not finite", truth=left)
    many = [replace(one, energy=np.nan) if place % 2 else one for place, one in enumerate(truth)]
    corpus.add("energies-nan", text_of(many), "refused", "12 frames", "not finite")
    near = truth[2].positions.copy()
    near[3] = near[0] + [0.05, 0, 0]
    corpus.add("overlap", text_of(corpus.put(2, positions=near)), "refused", "frame 2", "atoms 0", "0.050 Å apart")
    crystals = list(corpus.crystals)
    inside = crystals[4].positions.copy()
    inside[1] = inside[0] + crystals[4].cell[0] + 0.1
    crystals[4] = replace(crystals[4], positions=inside)
    corpus.add("overlap-with-an-image", text_of(crystals), "refused", "frame 4", "apart")
    wild = truth[5].forces.copy()  # type: ignore[union-attr]
    wild[2] = 4000.0
    corpus.add("force-outlier", text_of(corpus.put(5, forces=wild)), "repaired", "4e+03", "frame 5", truth=left)
    failed = corpus.put(5, forces=3000 * truth[5].forces, energy=truth[5].energy + 20)  # type: ignore[operator]
    corpus.add("wild-frame", text_of(failed), "repaired", "far beyond all others", "frame 5", truth=left)
    off = corpus.put(7, energy=truth[7].energy + 900.0)  # type: ignore[operator]
    corpus.add("energy-zero", text_of(corpus.put(7, energy=0.0)), "refused", "frame 7", "its energy is 0 eV")
    corpus.add("energy-outlier", text_of(off), "refused", "frame 7", "its energy is")
    corpus.add(
        "duplicates", text_of([*truth, truth[1], truth[2]]), "repaired", "2 frames left out", "frame 24", truth=truth
    )
    other = replace(truth[1], energy=truth[1].energy + 0.5)  # type: ignore[operator]
    corpus.add("duplicates-that-differ", text_of([*truth, other]), "refused", "frame 24", "two methods")


def _stress(corpus: Corpus) -> None:
    crystals = [replace(one, forces=one.forces) for one in strained()]

    def virial(sign: float) -> Callable[[Frame], str]:
        def said(one: Frame) -> str:
            full = one.stress[[0, 5, 4, 5, 1, 3, 4, 3, 2]] * -one.volume * sign  # type: ignore[index]
            return 'virial="' + " ".join(f"{value:.9f}" for value in full) + '"'

        return said

    def stress(factor: float) -> Callable[[Frame], str]:
        return lambda one: 'stress="' + " ".join(f"{value * factor:.9f}" for value in one.stress) + '"'  # type: ignore[union-attr]

    truth = tuple(crystals)
    corpus.add("stress", text_of(crystals, extra=stress(1)), "clean", truth=truth)
    corpus.add("virial", text_of(crystals, extra=virial(1)), "repaired", "stress read from 'virial'", truth=truth)
    corpus.add("virial-of-wrong-sign", text_of(crystals, extra=virial(-1)), "refused", "sign")
    corpus.add("stress-of-wrong-sign", text_of(crystals, extra=stress(-1)), "refused", "--stress-unit=-eV/Å^3")
    corpus.add("stress-kbar", text_of(crystals, extra=stress(-1602.176634)), "refused", "--stress-unit=-kbar")
    corpus.add(
        "stress-kbar-said", text_of(crystals, extra=stress(-1602.176634)), "clean", truth=truth, stress_unit="-kbar"
    )
    corpus.add("stress-gpa", text_of(crystals, extra=stress(160.2176634)), "refused", "--stress-unit=GPa")
    nine = text_of(crystals, extra=lambda _: 'stress="1 2 3 4 5 6 7 8 9"')
    corpus.add("stress-not-symmetric", nine, "refused", "not symmetric")
    corpus.add("stress-of-four", text_of(crystals, extra=lambda _: 'stress="1 2 3 4"'), "refused", "six")
    same = stress(1)(crystals[0])
    lent = text_of(crystals[:10], extra=stress(1)) + text_of(crystals[10:], extra=lambda _: same)
    corpus.add("stress-of-another-frame", lent, "repaired", "that of another frame")


def strained(count: int = 12) -> list[Frame]:
    """Copper in slightly rattled cells under rising strain, so that stress does the work."""
    from ase.build import bulk
    from ase.calculators.emt import EMT

    from labformer.domains.potentials.frame import from_atoms

    random, frames = np.random.default_rng(1), []
    for place in range(count):
        atoms = bulk("Cu", "fcc", a=3.615, cubic=True)
        grown = np.linspace(-0.03, 0.04, count)[place]
        shear = random.normal(0.0, 0.01, (3, 3))
        atoms.set_cell(atoms.cell @ (np.eye(3) * (1 + grown) + (shear + shear.T) / 2), scale_atoms=True)
        atoms.positions += random.normal(0.0, 0.02, atoms.positions.shape)
        atoms.calc = EMT()
        frame = from_atoms(atoms, f"copper {place}")
        frames.append(frame.labelled(float(atoms.get_potential_energy()), atoms.get_forces(), atoms.get_stress()))
    return frames


def record(frame: Frame) -> dict[str, Any]:
    """A frame in the layout of the elemental benchmark."""
    parts = frame.positions @ np.linalg.inv(frame.cell)
    sites = [
        {"species": [{"element": SYMBOLS[number - 1], "occu": 1}], "abc": place.tolist()}
        for number, place in zip(frame.numbers, parts, strict=True)
    ]
    kbar = -frame.stress[[0, 1, 2, 5, 4, 3]] * 1602.176634  # type: ignore[index]
    outputs = {"energy": frame.energy, "forces": frame.forces.tolist(), "virial_stress": kbar.tolist()}  # type: ignore[union-attr]
    return {"structure": {"lattice": {"matrix": frame.cell.tolist()}, "sites": sites}, "outputs": outputs}


def _json(corpus: Corpus) -> None:
    crystals = corpus.crystals
    records = [record(one) for one in crystals]
    corpus.add("mlearn.json", json.dumps(records), "repaired", "stress in kbar", truth=crystals)
    corpus.add("other-layout.json", json.dumps({"frames": [1, 2]}), "refused", "JSON of another layout")
    corpus.add("cut-short.json", json.dumps(records)[:5000], "refused", "cannot be read as JSON", "cut short")
    halved = json.loads(json.dumps(records))
    halved[3]["structure"]["sites"][0]["species"][0]["occu"] = 0.5
    corpus.add("half-an-atom.json", json.dumps(halved), "refused", "frame 3", "not one whole atom")
    missing = json.loads(json.dumps(records))
    del missing[3]["structure"]["lattice"]
    corpus.add("part-missing.json", json.dumps(missing), "refused", "frame 3", "lacks a part")


def _arrays(corpus: Corpus) -> None:
    frames = corpus.molecules
    numbers, places = frames[0].numbers, np.stack([one.positions for one in frames])
    energies, forces = np.array([one.energy for one in frames]), np.stack([one.forces for one in frames])  # type: ignore[arg-type]
    whole = {"z": numbers, "R": places, "E": energies, "F": forces}
    corpus.add("md17.npz", lambda path: np.savez(path, **whole), "clean", truth=frames)
    kcal = whole | {"E": energies * KCAL, "F": forces * KCAL}
    corpus.add("md17-kcal.npz", lambda path: np.savez(path, **kcal), "refused", "--energy-unit kcal/mol")
    short = whole | {"F": forces[:10]}
    corpus.add("md17-shapes.npz", lambda path: np.savez(path, **short), "refused", "forces have shape (10, 9, 3)")
    pickled = whole | {"R": np.array([None, 1], dtype=object)}
    corpus.add("md17-pickles.npz", lambda path: np.savez(path, **pickled), "refused", "cannot be read as arrays")
    corpus.add("other-arrays.npz", lambda path: np.savez(path, x=energies), "refused", "holds x", "positions")
    crystals = corpus.crystals
    corpus.add("deepmd.folder", lambda path: deepmd(path, crystals), "repaired", "'virial'", truth=crystals)
    corpus.add(
        "deepmd-no-map.folder", lambda path: deepmd(path, crystals, lost="type_map.raw"), "refused", "type_map.raw"
    )
    lost = "set.000/coord.npy"
    corpus.add("deepmd-no-coord.folder", lambda path: deepmd(path, crystals, lost=lost), "refused", "no coord.npy")
    corpus.add("deepmd-shapes.folder", lambda path: deepmd(path, crystals, cut=True), "refused", "force.npy has shape")


def deepmd(path: Path, frames: Sequence[Frame], lost: str = "", cut: bool = False) -> None:
    """A folder as DeePMD-kit has it."""
    (path / "set.000").mkdir(parents=True)
    (path / "type.raw").write_text("\n".join("0" for _ in frames[0].numbers))
    (path / "type_map.raw").write_text("Cu\n")
    arrays = {
        "coord": [one.positions.reshape(-1) for one in frames],
        "box": [one.cell.reshape(-1) for one in frames],
        "energy": [one.energy for one in frames],
        "force": [one.forces.reshape(-1)[: 30 if cut else None] for one in frames],  # type: ignore[union-attr]
        "virial": [-one.volume * one.stress[[0, 5, 4, 5, 1, 3, 4, 3, 2]] for one in frames],  # type: ignore[index]
    }
    for name, rows in arrays.items():
        np.save(path / "set.000" / f"{name}.npy", np.array(rows))
    if lost:
        (path / lost).unlink()
