"""Parts of frames: whole blocks, equal geometries on one side, and leaks that are found however they are hidden."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("ase", reason="frames by EMT need the extra potentials")

from labformer.domains.potentials.frame import Frame, molecule
from labformer.domains.potentials.reading.embedded import copper_emt, ethanol_gfn2
from labformer.domains.potentials.reading.leaks import leaks, signature
from labformer.domains.potentials.reading.split import require_no_leaks, split_frames
from labformer.shared.errors import InputError


@pytest.fixture(scope="module")
def ethanol() -> list[Frame]:
    return ethanol_gfn2()


@pytest.fixture(scope="module")
def copper() -> list[Frame]:
    return copper_emt(4)


def turned(frame: Frame, seed: int = 0, hand: float = 1.0) -> Frame:
    """The frame rotated (mirrored for hand -1), shifted, its atoms in another order."""
    random = np.random.default_rng(seed)
    rotation = np.linalg.qr(random.normal(size=(3, 3)))[0]
    rotation[:, 0] *= np.sign(np.linalg.det(rotation)) * hand
    order = random.permutation(len(frame))
    places = (frame.positions @ rotation + random.normal(size=3))[order]
    return replace(frame, numbers=frame.numbers[order], positions=places, cell=frame.cell @ rotation, name="turned")


@pytest.mark.parametrize("by", ["blocks", "group", "order", "random"])
def test_parts_are_disjoint_whole_and_of_the_size_asked_for(by: str, ethanol: list[Frame]) -> None:
    groups = [str(place // 50) for place in range(400)]
    split = split_frames(ethanol, 40, 0.1, seed=1, by=by, groups=groups if by == "group" else ())
    assert sorted(split.train + split.validation + split.test) == list(range(400))
    assert split == split_frames(ethanol, 40, 0.1, seed=1, by=by, groups=groups if by == "group" else ())
    if by == "group":
        assert all(
            len({groups[place] for place in part} & {groups[place] for place in split.train}) == 0 for part in split[1:]
        )
    else:
        assert (len(split.validation), len(split.test)) == (40, 40)
    if by == "order":
        assert split.train[-1] < split.validation[0] <= split.validation[-1] < split.test[0]


def test_blocks_keep_frames_that_follow_one_another_together(ethanol: list[Frame]) -> None:
    split = split_frames(ethanol, 40, 40)
    beside = [sum(abs(place - other) == 1 for other in split.train for place in split.test)]
    single = split_frames(ethanol, 40, 40, by="random")
    assert sum(beside) <= 8 < sum(abs(place - other) == 1 for other in single.train for place in single.test)


def test_another_seed_draws_other_blocks(ethanol: list[Frame]) -> None:
    assert split_frames(ethanol, seed=0) != split_frames(ethanol, seed=1)


def test_a_leak_is_found_moved_turned_mirrored_and_renumbered(ethanol: list[Frame], copper: list[Frame]) -> None:
    other = [turned(ethanol[7]), turned(ethanol[9], 3, -1.0), ethanol[11], turned(copper[2], 5)]
    found = leaks([*ethanol[:20], *copper], other)
    assert {(one.first, one.second, one.moved) for one in found} == {
        (7, 0, True),
        (9, 1, True),
        (11, 2, False),
        (22, 3, True),
    }


def test_a_larger_cell_and_a_shifted_origin_do_not_pass_as_new(copper: list[Frame]) -> None:
    one = copper[0]
    shifted = replace(one, positions=one.positions + [0.3, 5.0, -2.0])
    np.testing.assert_allclose(signature(shifted), signature(one), atol=1e-9)


def test_different_frames_are_no_leak(ethanol: list[Frame], copper: list[Frame]) -> None:
    assert leaks(ethanol[:200], ethanol[200:]) == []
    assert leaks(copper[:2], copper[2:]) == []
    require_no_leaks({"train": ethanol[:200], "test": ethanol[200:]})


def test_a_leak_between_parts_is_refused_with_both_names(ethanol: list[Frame]) -> None:
    with pytest.raises(
        InputError, match="test has 1 frames that train has too: turned has the same geometry"
    ) as caught:
        require_no_leaks({"train": ethanol[:20], "test": [turned(ethanol[3])]})
    assert "frame 3" in str(caught.value)


def test_equal_geometries_end_on_one_side(ethanol: list[Frame]) -> None:
    frames = [*ethanol[:30], *(turned(one, place) for place, one in enumerate(ethanol[:30]))]
    for seed in range(3):
        train, validation, test = split_frames(frames, 10, 10, seed=seed).of(frames)
        require_no_leaks({"train": train, "validation": validation, "test": test})
        assert len(train) + len(validation) + len(test) == 60


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"validation": 200, "test": 200}, "do not leave any"),
        ({"validation": 1.5}, "validation=1.5"),
        ({"by": "time"}, "by='time'"),
        ({"groups": ["a"]}, "1 groups"),
        ({"by": "group"}, "too few for whole groups"),
    ],
)
def test_what_cannot_be_split_is_said(options: dict[str, object], words: str, ethanol: list[Frame]) -> None:
    with pytest.raises(InputError, match=words):
        split_frames(ethanol, **options)  # type: ignore[arg-type]


def test_one_atom_has_a_signature() -> None:
    assert signature(molecule(np.array([1]), np.zeros((1, 3)))).shape == (1,)
