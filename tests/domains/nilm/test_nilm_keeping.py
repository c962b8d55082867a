"""Promises of fitted candidates that are kept in a folder: fitted once, the same afterwards, never another's."""

from pathlib import Path

import numpy as np
import pytest

from labformer.domains.nilm.appliances import appliance
from labformer.domains.nilm.house import House
from labformer.domains.nilm.keeping import fitted
from labformer.domains.nilm.models.boosted import Boosted
from labformer.domains.nilm.registry import Run
from labformer.domains.nilm.simulate import simulate
from labformer.shared.errors import InputError

KETTLE = [appliance("kettle")]


@pytest.fixture(scope="module")
def houses() -> list[House]:
    return [simulate(10, seed, appliances=("kettle",)) for seed in range(2)]


def test_what_was_fitted_is_read_back_and_answers_alike(
    houses: list[House], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, unseen = Run(3, folder=tmp_path), simulate(3, 7, appliances=("kettle",))
    first = fitted("boosted-plain", run, houses, KETTLE)
    monkeypatch.setattr(Boosted, "fit", lambda *anything: pytest.fail("fitted again"))
    again = fitted("boosted-plain", run, houses, KETTLE)
    assert again.seconds == pytest.approx(first.seconds)
    for one, other in zip(first.model.predict(unseen)["kettle"], again.model.predict(unseen)["kettle"], strict=True):
        np.testing.assert_array_equal(one, other)


def test_other_data_or_another_seed_is_fitted_anew(houses: list[House], tmp_path: Path) -> None:
    for seed, some in ((0, houses), (1, houses), (0, houses[:1])):
        fitted("mean", Run(seed, folder=tmp_path), some, KETTLE)
    assert len(list(tmp_path.glob("mean-kettle-*.safetensors"))) == 3


def test_a_damaged_file_is_named(houses: list[House], tmp_path: Path) -> None:
    fitted("mean", Run(folder=tmp_path), houses, KETTLE)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(InputError, match="damaged.*delete it"):
        fitted("mean", Run(folder=tmp_path), houses, KETTLE)
