"""Molecular dynamics of one frame: from a potential directly, or from any ASE calculator, to a trajectory."""

import json
import time
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ....shared.errors import InputError, require
from ....shared.writing import require_writable, whole_file
from ..frame import Frame
from .motion import freedoms, kinetic_energy, langevin_step, still, thermal_momenta, verlet_step
from .push import Push, push_of
from .trajectory import KELVIN, Trajectory, require_suffix, write_trajectory

Floats = NDArray[np.float64]
ENSEMBLES = ("nve", "langevin")
HOT, HOT_K = 20.0, 20_000.0  # a run whose kinetic temperature passes both 20 times its own and this has blown up
KEPT = ("times_fs", "positions", "velocities", "potential", "kinetic", "novelty")  # of each moment
LOOK = 100  # steps between two looks at novelty, where it does not come with the forces
SAVE_S = 30.0  # between two savings of a run that goes on


@dataclass(frozen=True, slots=True)
class Plan:
    """How atoms are to move."""

    ensemble: str = "nve"  # or "langevin", which holds the temperature
    temperature_K: float = 300.0  # of the first velocities, and of the bath  # noqa: N815  as ASE spells it
    timestep_fs: float = 0.5  # at most a tenth of the fastest vibration; bonds to hydrogen have 9 fs
    steps: int = 1000
    every: int = 10  # steps between two moments that are kept
    seed: int = 0
    equilibrate: int = 0  # Langevin steps before the first moment
    friction_per_ps: float = 10.0  # of the bath

    def __post_init__(self) -> None:
        if self.ensemble not in ENSEMBLES:
            raise InputError(f"ensemble {self.ensemble!r} is not known; choose from {', '.join(ENSEMBLES)}.")
        for name, least in (("steps", 1), ("every", 1), ("equilibrate", 0), ("temperature_K", 0)):
            if not getattr(self, name) >= least:
                raise InputError(f"{name} is {getattr(self, name)}; it must be {least} or more.")
        if not 0 < self.timestep_fs <= 20:
            raise InputError(
                f"timestep_fs is {self.timestep_fs}; give femtoseconds above 0 and up to 20 (0.5 is usual)."
            )
        if not self.friction_per_ps > 0:
            raise InputError(f"friction_per_ps is {self.friction_per_ps}; give a number above 0 (1 to 20 is usual).")


def run_md(
    source: Any,
    frame: Frame,
    ensemble: str = "nve",
    temperature_K: float = 300.0,
    timestep_fs: float = 0.5,
    steps: int = 1000,
    every: int = 10,
    seed: int = 0,
    *,
    equilibrate: int = 0,
    friction_per_ps: float = 10.0,
    velocities: Floats | None = None,
    out: str | Path | None = None,
    overwrite: bool = False,
    resume: bool = True,
    dtype: str = "float32",
    device: str = "cpu",
    skin: float = 0.5,
    progress: bool = False,
) -> Trajectory:
    """Move the atoms of `frame`, and return what they did.

    source       a potential, which is asked directly; a `LabformerCalculator`; or any other ASE calculator
    velocities   (atom, 3) in Å/fs to begin with; None draws them at `temperature_K` from `seed`, without drift and,
                 in a molecule, without rotation
    equilibrate  Langevin steps before the first moment that is kept; an NVE run then begins at rest as a whole
    out          .nc, .extxyz or .xyz, written whole or not at all. While it runs, OUT.running holds what is done, twice
                 a minute; a run that was stopped goes on from there when it is started again with the same settings
    resume       False begins anew
    dtype, device, skin   of a potential; a calculator brings its own

    A run whose energy is not finite any more, or that is 20 times too hot, ends there and says so in `ended`. Positions
    and velocities are float64 whatever the potential computes in. Raises InputError for settings that cannot be.
    """
    plan = Plan(ensemble, temperature_K, timestep_fs, steps, every, seed, equilibrate, friction_per_ps)
    if out is not None:
        require_suffix(out)
        require_writable(out, overwrite)
    run = _Run(plan, frame, push_of(source, frame, dtype, device, skin), velocities)
    if not run.push.conservative and ensemble == "nve":
        warnings.warn("the forces are not the gradient of an energy: an NVE run of them drifts.", stacklevel=2)
    running = None if out is None else Path(out).with_name(Path(out).name + ".running")
    if running is not None and running.exists():
        if resume:
            run.resume(running)
        else:
            running.unlink()
    run.to_the_end(running, progress)
    made = run.trajectory()
    if out is not None:
        write_trajectory(made, out, overwrite)
        assert running is not None
        running.unlink(missing_ok=True)
    return made


class _Run:
    """A run under way: everything that is needed to go on from here."""

    def __init__(self, plan: Plan, frame: Frame, push: Push, velocities: Floats | None) -> None:
        require("ase", "potentials")
        from ase import units
        from ase.data import atomic_masses

        self.plan, self.frame, self.push = plan, frame, push
        self.masses = atomic_masses[frame.numbers][:, None].astype(float)
        self.fs, self.thermal = units.fs, KELVIN * plan.temperature_K
        self.draw = np.random.default_rng(plan.seed)
        self.turning = frame.periodic  # angular momentum is no constant of a periodic cell
        self.positions = np.array(frame.positions, float)
        if velocities is None:
            self.momenta = thermal_momenta(self.positions, self.masses, self.thermal, self.draw, self.turning)
        else:
            self.momenta = self.masses * np.asarray(velocities, float) / self.fs
        self.step = -plan.equilibrate  # of the next force
        self.looked = -LOOK
        self.kept: list[tuple[float, Floats, Floats, float, float, float]] = []
        self.ended, self.spent_s, self.made = "", 0.0, 0

    def to_the_end(self, running: Path | None, progress: bool) -> None:
        plan = self.plan
        dt, friction = plan.timestep_fs * self.fs, plan.friction_per_ps / (1000 * self.fs)
        forces = self.push(self.positions)
        began = saved = time.perf_counter()
        if self.step == 0 and not self.kept:
            self._keep()
        bar = tqdm(total=plan.steps + plan.equilibrate, initial=self.step + plan.equilibrate, disable=not progress)
        with bar:
            while self.step < plan.steps and not self.ended:
                if self.step < 0 or plan.ensemble == "langevin":
                    self.positions, self.momenta, forces = langevin_step(
                        self.positions, self.momenta, forces, self.masses, dt, self.push, friction, self.thermal,
                        self.draw,
                    )  # fmt: skip
                else:
                    self.positions, self.momenta, forces = verlet_step(
                        self.positions, self.momenta, forces, self.masses, dt, self.push
                    )
                self.step, self.made = self.step + 1, self.made + 1
                bar.update()
                if self.step == 0 and plan.ensemble == "nve":
                    self.momenta = still(self.positions, self.momenta, self.masses, self.turning)
                self._watch(forces)
                if self.step >= 0 and (self.step % plan.every == 0 or self.ended):
                    self._keep()
                if running is not None and time.perf_counter() - saved > SAVE_S:
                    saved = time.perf_counter()
                    self._save(running)
        self.spent_s += time.perf_counter() - began

    def _watch(self, forces: Floats) -> None:
        if not (np.isfinite(self.push.energy) and np.isfinite(forces).all()):
            self.ended = f"energy or forces are not finite at step {self.step}"
            return
        kelvin = 2 * kinetic_energy(self.momenta, self.masses) / (3 * len(self.masses) * KELVIN)
        if kelvin > max(HOT * self.plan.temperature_K, HOT_K):
            self.ended = f"{kelvin:.0f} K at step {self.step}"

    def _keep(self) -> None:
        speeds = self.momenta / self.masses * self.fs
        kinetic = kinetic_energy(self.momenta, self.masses)
        novelty = self.push.novelty
        if np.isnan(novelty) and self.step - self.looked >= LOOK:
            self.looked, novelty = self.step, self.push.look(self.positions)
        moment = (
            self.step * self.plan.timestep_fs,
            self.positions,
            speeds,
            self.push.energy,
            kinetic,
            novelty,
        )
        self.kept.append(moment)

    def trajectory(self) -> Trajectory:
        times, positions, speeds, potential, kinetic, novelty = (
            [np.array(column) for column in zip(*self.kept, strict=True)] if self.kept else _nothing(self.frame)
        )
        nve = self.plan.ensemble == "nve"
        return Trajectory(
            self.frame.numbers, self.masses[:, 0], self.frame.cell, self.frame.pbc, times, positions, speeds,
            potential, kinetic, novelty,
            freedoms=freedoms(self.frame.positions, self.turning) if nve else 3 * len(self.masses),
            settings=asdict(self.plan),
            steps_per_second=self.made / self.spent_s if self.spent_s else float("nan"),
            ended=self.ended,
        )  # fmt: skip

    def _save(self, running: Path) -> None:
        """What is done, whole or not at all; the generator's state is plain, and numpy's archive needs no pickle."""
        done = self.trajectory()
        arrays = {name: getattr(done, name) for name in KEPT}
        plain = {"step": self.step, "draw": self.draw.bit_generator.state, "start": self._start()}
        state = json.dumps(plain | {"settings": asdict(self.plan)})
        with whole_file(running, overwrite=True) as partial, partial.open("wb") as file:
            np.savez(file, now=np.stack([self.positions, self.momenta]), state=state, **arrays)

    def resume(self, running: Path) -> None:
        """Go on from a file that `_save` left; raises InputError where it belongs to another run, or is none."""
        try:
            with np.load(running, allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in (*KEPT, "now")}
                state = json.loads(str(archive["state"]))
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise InputError(
                f"{running} cannot be read ({error}); delete it, or begin anew with resume=False."
            ) from None
        mine = asdict(self.plan) | {"steps": state["settings"]["steps"]}  # a run may be made longer
        other = {name: value for name, value in state["settings"].items() if value != mine.get(name)}
        if other or state["start"] != self._start():
            what = ", ".join(f"{name} {value}" for name, value in other.items()) or "another frame"
            raise InputError(f"{running} holds a run with {what}; delete it, or begin anew with resume=False.")
        self.positions, self.momenta = arrays["now"]
        self.step, self.draw.bit_generator.state = state["step"], state["draw"]
        columns = [arrays[name] if arrays[name].ndim > 1 else arrays[name].tolist() for name in KEPT]
        self.kept = list(zip(*columns, strict=True))

    def _start(self) -> list[float]:
        """Enough of the frame to tell it from another."""
        frame = self.frame
        return [float(one) for one in (len(frame), frame.numbers.sum(), np.abs(frame.positions).sum(), frame.volume)]


def _nothing(frame: Frame) -> list[Floats]:
    none, place = np.zeros(0), np.zeros((0, len(frame), 3))
    return [none, place, place, none, none, none]
