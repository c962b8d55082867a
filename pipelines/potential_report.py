"""The report of a potential: how far off it is, whether its doubts hold, which laws it obeys, and how atoms move."""

from collections.abc import Sequence

import numpy as np

from .. import __version__
from ..domains.potentials.judging.reliability import FIFTHS, Group, reliability
from ..domains.potentials.judging.scores import force_gaps
from ..domains.potentials.models.graph_free import GraphFreeTransformer
from ..domains.potentials.models.graph_free_attention import attention_by_distance, effective_radius
from ..domains.potentials.predictor import InteratomicPotential, Prediction, named, warnings_of
from ..domains.potentials.registry import entry
from ..shared.evaluation.check import Check
from ..shared.evaluation.comparison import Comparison
from ..shared.evaluation.table import Table, figures, seconds
from ..shared.reading.table import plural
from ..shared.report.laws import laws
from ..shared.report.page import Report, Section
from ..shared.report.plots import comparison_bars, coverage_bars
from ..shared.report.plots_of_matter import (
    drift_over_time,
    error_against_doubt,
    parity,
    radial_curves,
    spectra,
    weight_over_distance,
)
from .potential_frames import EMBEDDED, Gathered
from .potential_motion import Motion

EMBEDDED_WORDS = (
    "The frames are embedded ones, labelled by a cheap reference method: the figures say how the suite works, not how "
    "it does on your frames."
)
DRIFT = 1.0  # meV/atom that a run may drift
HELD = ("atoms", "how many", "held", "mean radius, eV/Å", "mean error, eV/Å")
LOOKED = 20  # frames whose attention is averaged
ATTENTION_REACH = 10.0  # Å
SHOWN = 4  # pairs of elements whose distances are drawn


def potential_report(
    potential: InteratomicPotential,
    gathered: Gathered,
    predictions: Sequence[Prediction],
    comparison: Comparison,
    checks: Sequence[Check],
    motion: Motion | None,
) -> Report:
    """Build the page of a run from what was predicted of its test."""
    return Report(
        title=f"A potential of {named(potential.elements_)}",
        summary=_summary(potential, gathered, comparison, checks, motion),
        sections=[
            Section(
                "Beside other methods",
                f"{comparison.verdict}\n\nMean absolute error of force components on the test, mean of its frames. All "
                "methods learnt from the same frames.",
                comparison_bars(comparison), comparison.table(), alt="Force error of each method with intervals",
            ),
            *_errors(potential, predictions),
            *_doubts(potential, predictions),
            *_attention(potential, predictions),
            laws(checks, "a potential"),
            *_motion(potential, motion),
            Section("Data", f"{gathered.source}. {gathered.split}.", points=gathered.repairs),
        ],
        facts=_facts(potential, motion),
        footer=f"labformer {__version__}, {potential.method}, seed {potential.seed}. To repeat it: "
        "labformer run potential --config run.toml --out FOLDER",
    )  # fmt: skip


def _summary(
    potential: InteratomicPotential, gathered: Gathered, comparison: Comparison, checks: Sequence[Check],
    motion: Motion | None,
) -> str:  # fmt: skip
    parts = [EMBEDDED_WORDS] if gathered.system in EMBEDDED else []
    beside = " on top of GFN2-xTB" if potential.delta else ""
    parts.append(
        f"{potential.method} ({entry(potential.method).text}){beside}, learnt from {potential.frames_fit_} frames in "
        f"{seconds(potential.seconds_fit_)}. {comparison.verdict}"
    )
    broken = [check.law for check in checks if not check.holds]
    parts.append(f"Laws that do not hold: {'; '.join(broken)}." if broken else "All laws that were tried hold.")
    if motion is not None and not motion.stability.stable:
        parts.append(f"Dynamics at {motion.temperature:g} K is not stable: {motion.stability.reason}.")
    return "\n\n".join(parts)


def _facts(potential: InteratomicPotential, motion: Motion | None) -> list[tuple[str, str]]:
    scores = potential.scores_
    assert scores is not None
    facts = [
        ("force error, meV/Å", figures(scores.force.value)),
        ("energy error, meV/atom", figures(scores.energy_per_atom.value)),
        (f"forces held, promised {potential.coverage:.0%}",
         f"{scores.force_covered:.1%}" if scores.force_covered == scores.force_covered else ""),
    ]  # fmt: skip
    if motion is not None:
        facts.append(("energy drift, meV/atom", figures(motion.drift.mev_per_atom)))
        facts.append(("steps a second", figures(motion.trajectory.steps_per_second)))
    return [fact for fact in facts if fact[1]]


def _errors(potential: InteratomicPotential, predictions: Sequence[Prediction]) -> list[Section]:
    scores = potential.scores_
    assert scores is not None
    known = [one for one in predictions if one.frame.forces is not None and one.frame.energy is not None]
    sizes = np.array([len(one.frame) for one in known])
    energies = np.array([[float(one.frame.energy or 0.0), one.energy] for one in known]) / sizes[:, None]
    energies = 1000 * (energies - energies[:, :1].mean())
    forces = np.concatenate([one.forces - force_gaps(one) for one in known]).ravel()
    said = np.concatenate([one.forces for one in known]).ravel()
    panels = [("energy an atom", "meV", energies[:, 0], energies[:, 1]), ("force component", "eV/Å", forces, said)]
    tension = [one for one in known if one.stress is not None and one.frame.stress is not None]
    if tension:
        panels.append(
            ("stress", "eV/Å³", np.concatenate([one.frame.stress for one in tension if one.frame.stress is not None]),
             np.concatenate([one.stress for one in tension if one.stress is not None]))
        )  # fmt: skip
    rows = [(name, figures(value)) for name, value in scores.by_element.items()]
    table = Table(("element", "force error, meV/Å"), rows)
    return [
        Section(
            "Predicted against true", "On the test, energies less the mean of the true ones.", parity(panels), table,
            alt="Predicted over true energies and forces",
        )
    ]  # fmt: skip


def _doubts(potential: InteratomicPotential, predictions: Sequence[Prediction]) -> list[Section]:
    groups = reliability(predictions)
    far = warnings_of(predictions)
    outside = Section(
        "Outside training",
        "Atoms whose surroundings lie farther out than nearly all of training: nothing is promised of their forces."
        if far else "No atom of the test lies beyond the edge of training.",
        points=far,
    )  # fmt: skip
    if not groups or potential.trust_ is None:
        words = "Too few frames were kept to promise anything." if potential.promise else "Nothing was calibrated."
        return [Section("Doubts", words), outside]
    known = [one for one in predictions if one.frame.forces is not None]
    radius = np.concatenate([one.force_radius for one in known])
    error = np.concatenate([np.linalg.norm(force_gaps(one), axis=1) for one in known])
    bars = [(_short(group.name), group.held) for group in groups[1:]]
    return [
        Section(
            "Do the doubts hold?",
            f"The error of an atom's force should lie below its radius for {potential.coverage:.0%} of the atoms of "
            f"new frames like these; calibrated on {potential.trust_.frames} frames that the model had not seen. Radii "
            "that hold more often are too large, those that hold less often too small.",
            coverage_bars([name for name, _ in bars], [held for _, held in bars], potential.coverage),
            Table(HELD, [_row(one) for one in groups]),
            alt="Share of forces held by their radius, by element and size of radius",
        ),
        Section(
            "Error over radius", "Each point is an atom of the test; points below the diagonal are held.",
            error_against_doubt(radius, error, potential.coverage), alt="Error of the force over its radius",
        ),
        outside,
    ]  # fmt: skip


def _attention(potential: InteratomicPotential, predictions: Sequence[Prediction]) -> list[Section]:
    """What a transformer looks at; nothing for other methods."""
    part = next((one for one in potential.parts_.parts if isinstance(one, GraphFreeTransformer)), None)
    frames = [one.frame for one in predictions if len(one.frame) > 1][:LOOKED]
    if part is None or not frames:
        return []
    found = attention_by_distance(part, frames, ATTENTION_REACH)
    reach = [effective_radius(part, frame).radius_angstrom for frame in frames]
    layers = {f"layer {place + 1}": one for place, one in enumerate(found.weight.mean(1))}
    radii = np.concatenate([one.reshape(len(layers), -1) for one in reach], axis=1)
    known = found.pairs > 0
    even = float(np.average(found.weight[:, :, known].mean((0, 1)), weights=found.pairs[known]))
    table = Table(
        ("layer", "median radius of 90 % of the attention, Å"),
        [(name, figures(float(np.median(own)))) for name, own in zip(layers, radii, strict=True)],
    )
    return [
        Section(
            "What the transformer looks at",
            "Mean weight that an atom gives to another, over the heads of each layer and "
            f"{plural(len(frames), 'frame')} of the test. Nothing told the network that near atoms count for more, and "
            "yet they may (Kreiman et al. 2025, arXiv:2510.02259).",
            weight_over_distance(found.distance_angstrom, layers, even=even), table, alt="Attention over distance",
        )
    ]  # fmt: skip


def _motion(potential: InteratomicPotential, motion: Motion | None) -> list[Section]:
    if motion is None:
        return []
    found = motion.to_dict()
    run = motion.trajectory
    clock = (run.times_fs - run.times_fs[0]) / 1000
    energy = 1000 * (run.total - run.total[0]) / len(run.numbers)
    held = "Bonds and contacts stay as they should." if motion.stability.stable else (
        f"Unstable after {figures(motion.stability.until_ps)} ps: {motion.stability.reason}."
    )  # fmt: skip
    warned = "" if potential.conservative else " Forces are no gradient here, so energy is not conserved."
    sections = [
        Section(
            "Dynamics",
            f"{found['picoseconds']:.3g} ps at constant energy in float32, from about {motion.temperature:g} K. Energy "
            f"drifts by {figures(motion.drift.mev_per_atom) or 'more than can be said of'} meV/atom. {held}{warned}",
            drift_over_time(clock, energy, limit=DRIFT),
            Table(("what", "value"), [(name, _plain(value)) for name, value in found.items() if _plain(value)]),
            alt="Total energy over time",
        )
    ]  # fmt: skip
    if motion.likeness is not None:
        lines = {
            name: (one.wavenumbers, one.density)
            for name, one in zip((potential.method, "reference"), motion.likeness.spectra, strict=True)
        }
        words = f"Both ran as long; the two share {motion.likeness.spectral_overlap:.0%} of their area."
        sections.append(Section("Vibrations", words, spectra(lines, reference="reference"), alt="Vibrational spectra"))
    elif motion.spectrum is not None:
        lines = {potential.method: (motion.spectrum.wavenumbers, motion.spectrum.density)}
        sections.append(Section("Vibrations", "Of the run above.", spectra(lines), alt="Vibrational spectrum"))
    if motion.radials is not None:
        own, other = motion.radials
        names = list(own.curves)[:SHOWN]
        sections.append(
            Section(
                "Distances", "Of pairs of atoms in the run, beside the frames of the test.",
                radial_curves(
                    own.distances, {name: own.curves[name] for name in names},
                    {name: other.curves[name] for name in names if name in other.curves},
                    periodic=own.periodic, names=(potential.method, "frames"),
                ),
                alt="Distributions of distances",
            )
        )  # fmt: skip
    return sections


def _row(group: Group) -> tuple[str, ...]:
    return group.name, f"{group.atoms:,}", f"{group.held:.1%}", figures(group.radius), figures(group.error)


def _short(name: str) -> str:
    return name.replace(" radii", "") if name in FIFTHS else name.replace(" training", "")


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{name} {figures(float(one))}" for name, one in value.items())
    if isinstance(value, float):
        return figures(value)
    return "" if value is None else str(value)
