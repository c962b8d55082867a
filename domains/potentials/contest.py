"""Potentials beside each other on frames that none of them has seen."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from ...shared.errors import InputError, MissingExtra
from ...shared.evaluation.bootstrap import Blocks
from ...shared.evaluation.comparison import Comparison, Contender, compare
from .frame import Frame
from .judging.scores import Scores, frame_errors, score
from .predictor import InteratomicPotential, Prediction
from .registry import entry

METRIC, UNIT = "force MAE", "meV/Å"
ALWAYS = "mean"  # without a baseline no number means anything


def contest(
    potential: InteratomicPotential,
    train: Sequence[Frame],
    validation: Sequence[Frame],
    test: Sequence[Frame],
    beside: Sequence[str],
    reference: Mapping[int, float] | None = None,
) -> tuple[Comparison, list[Prediction]]:
    """Score the fitted potential beside others that are fitted on the same frames; also what it predicts of the test.

    The error is that of force components, mean over each frame. A model that cannot take the data is left out; the note
    of `mean` says why.
    """
    predictions: list[Prediction] = []
    contenders, missing = [], []
    for name in dict.fromkeys((potential.method, ALWAYS, *beside)):
        mine = name == potential.method
        try:
            other = potential if mine else _fitted(name, potential.seed, train, validation, reference)
            began = time.perf_counter()
            said = other.predict(test)
            spent = time.perf_counter() - began
        except (InputError, MissingExtra, np.linalg.LinAlgError, RuntimeError) as error:
            if mine:
                raise
            missing.append(f"{name}: {str(error).splitlines()[0]}")
            continue
        predictions = said if mine else predictions
        found = score(said)
        contenders.append(
            Contender(
                _titled(potential) if mine else name,
                float(frame_errors(other.predict(validation)).mean()) if validation else float("nan"),
                frame_errors(said),
                entry(name).role,
                _others(found),
                other.seconds_fit_,
                spent,
                other.count(),
            )
        )
    if missing:
        place = next(at for at, one in enumerate(contenders) if one.model == ALWAYS)
        contenders[place] = _noted(contenders[place], "not fitted: " + "; ".join(missing))
    return compare(contenders, METRIC, UNIT, chosen=_titled(potential), blocks=Blocks(block=1)), predictions


def _titled(potential: InteratomicPotential) -> str:
    words = [potential.method]
    words += ["on xtb"] if potential.delta else []
    words += [f"x {potential.members}"] if potential.members > 1 else []
    return " ".join(words)


def _fitted(
    name: str, seed: int, train: Sequence[Frame], validation: Sequence[Frame], reference: Mapping[int, float] | None
) -> InteratomicPotential:
    return InteratomicPotential(name, seed=seed, promise=False).fit(train, validation, reference)


def _others(found: Scores) -> dict[str, float]:
    return {
        "energy MAE meV": found.energy.value,
        "per atom": found.energy_per_atom.value,
        "force RMSE": found.force_rmse,
    }


def _noted(one: Contender, note: str) -> Contender:
    return replace(one, note=note)
