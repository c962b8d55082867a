from dataclasses import replace

import numpy as np
import pytest
import torch

from labformer.domains.potentials.fast import acorn
from labformer.domains.potentials.fast.acorn import Acorn
from labformer.domains.potentials.fast.design import Design
from labformer.domains.potentials.fast.taught import TaughtAcorn, drawn, lessons_for
from labformer.domains.potentials.frame import Frame
from labformer.domains.potentials.models.xtb_labels import XtbLabels
from labformer.domains.potentials.parts import answers

pytest.importorskip("tblite")
SHAPE = np.array([[0.0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]])


def _waters(count, seed, width):
    draw = np.random.default_rng(seed)
    bare = [
        Frame(np.array([8, 1, 1]), SHAPE + draw.normal(0, width, (3, 3)), np.zeros((3, 3)), np.zeros(3, bool))
        for _ in range(count)
    ]
    return XtbLabels().label(bare)


def test_lessons_are_new_frames_with_the_labels_of_xtb():
    train = _waters(2, 0, 0.03)
    lessons = drawn(train, 4, 400.0, 0)
    assert len(lessons) == 4
    again = XtbLabels().label(lessons)
    np.testing.assert_allclose(lessons[0].forces, again[0].forces)
    apart = [np.abs(one.positions - two.positions).max() for one in lessons for two in train]
    assert min(apart) > 1e-3


def test_larger_molecules_have_more_lessons():
    small, large = _waters(1, 0, 0.0)[0], Frame(np.full(20, 6), np.zeros((20, 3)), np.zeros((3, 3)), np.zeros(3, bool))
    assert lessons_for([small]) == 250 and lessons_for([large]) == 600


def test_it_beats_an_acorn_that_was_not_taught_where_frames_are_few(small):
    # a reference that differs from xTB by a smooth law: twice its energy
    train, test = (
        [one.labelled(2 * one.energy, 2 * one.forces) for one in _waters(n, s, 0.05)] for n, s in ((3, 1), (8, 2))
    )
    mean = np.mean([one.energy for one in train])
    train, test = ([one.labelled(one.energy - mean, one.forces) for one in part] for part in (train, test))
    errors = []
    for part in (Acorn(small), TaughtAcorn(small, lessons=20)):
        part.fit_frames(train, [])
        errors.append(np.mean([one.force_error.mean() for one in answers(part, test)]))
    assert errors[1] < 0.8 * errors[0]
    again = TaughtAcorn.restore(part.settings(), part.state_dict())
    torch.testing.assert_close(answers(again, test)[0].energy, answers(part, test)[0].energy)


@pytest.mark.parametrize("gated", [None, 4])
def test_lessons_and_many_frames_are_learned_in_the_same_columns(monkeypatch, small, gated):
    monkeypatch.setattr(acorn, "EQUATIONS", 20)
    train, test = _waters(4, 3, 0.05), _waters(4, 4, 0.05)
    # for the lessons too gates have to go
    part = TaughtAcorn(replace(small, gated=gated, memory=1e-3, columns=400), lessons=8)
    part.fit_frames(train, [])
    assert part.whole is not None
    assert part.count() == Design(part.config, part.elements).local + part.whole.kept("pulls")[0].numel()
    size = np.mean([np.linalg.norm(one.forces, axis=1).mean() for one in test])
    assert np.mean([one.force_error.mean() for one in answers(part, test)]) < 0.3 * size
