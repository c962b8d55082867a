"""What scores say beside numbers."""

import numpy as np
import pytest

from labformer.domains.potentials.frame import Frame
from labformer.domains.potentials.judging.scores import stress_turned
from labformer.domains.potentials.predictor import Prediction


def predictions(sign: float, noise: float, with_stress: bool = True) -> list[Prediction]:
    """Of cells whose labelled stress is that of the potential times a sign, with an error of a share of its size."""
    draw = np.random.default_rng(0)
    made = []
    for _ in range(6):
        said, off = draw.standard_normal((2, 6)) * 0.01
        frame = Frame(np.array([29]), np.zeros((1, 3)), 3 * np.eye(3), np.ones(3, bool))
        told = frame.labelled(0.0, np.zeros((1, 3)), sign * said + noise * off if with_stress else None)
        made.append(Prediction(told, 0.0, np.zeros((1, 3)), said, (np.nan, np.nan), np.zeros(1), np.zeros(1)))
    return made


@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_stress_of_the_other_sign_is_told_with_what_to_do(noise: float) -> None:
    (line,) = stress_turned(predictions(-1.0, noise))
    assert "points against" in line and "--stress-unit=-eV/Å^3" in line


@pytest.mark.parametrize(("sign", "noise"), [(1.0, 0.0), (1.0, 1.0), (0.0, 1.0)])
def test_stress_that_is_only_wrong_is_not(sign: float, noise: float) -> None:
    assert stress_turned(predictions(sign, noise)) == []


def test_without_stress_nothing_is_said() -> None:
    assert stress_turned(predictions(1.0, 0.0, with_stress=False)) == []
