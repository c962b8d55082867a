"""Folders of channels, as UK-DALE and REDD publish their houses."""

import numpy as np
import pytest

from labformer.domains.nilm.channels import is_channels, read_channels
from labformer.domains.nilm.simulate import simulate
from labformer.shared.errors import InputError

LEVELS = 300 + 20 * (np.arange(300) % 7)


def _write(folder, labels, channels):
    folder.mkdir()
    (folder / "labels.dat").write_text("".join(f"{number} {name}\n" for number, name in labels.items()))
    for number, (seconds, watts) in channels.items():
        rows = "\n".join(f"{int(at)} {power:.2f}" for at, power in zip(seconds, watts, strict=True))
        (folder / f"channel_{number}.dat").write_text(rows + "\n")
    return folder


@pytest.fixture(scope="module")
def house():
    return simulate(3, seed=5, step="1min", appliances=("kettle", "dishwasher"))


def _seconds(house):
    return house.times.asi8 // 10**9


def test_uk_dale_house_comes_back_with_its_appliances(tmp_path, house):
    at = _seconds(house)
    kettle = house.appliances_w["kettle"]
    folder = _write(
        tmp_path / "house_1",
        {1: "aggregate", 2: "kettle", 3: "dish_washer", 4: "laptop"},
        {1: (at, house.mains_w), 2: (at, kettle), 3: (at + 7, house.appliances_w["dishwasher"]), 4: (at, 0 * kettle)},
    )
    assert is_channels(folder)
    read = read_channels(folder, zone="Europe/London")
    assert read.name == "house_1" and read.zone == "Europe/London"
    assert list(read.appliances_w) == ["kettle", "dishwasher"]
    shared = read.times.intersection(house.times)
    rows = read.times.get_indexer(shared), house.times.get_indexer(shared)
    np.testing.assert_allclose(read.mains_w[rows[0]], house.mains_w[rows[1]], atol=0.01)
    np.testing.assert_allclose(read.appliances_w["kettle"][rows[0]], kettle[rows[1]], atol=0.01)
    # a meter on a clock of its own, seven seconds late, keeps its energy
    late = np.nansum(read.appliances_w["dishwasher"])
    assert late == pytest.approx(house.appliances_w["dishwasher"].sum(), rel=0.01)


def test_two_phases_of_redd_are_summed(tmp_path, house):
    at = _seconds(house)
    folder = _write(
        tmp_path / "house_2",
        {1: "mains", 2: "mains", 3: "washer_dryer"},
        {1: (at, 0.25 * house.mains_w), 2: (at, 0.75 * house.mains_w), 3: (at, 0 * house.mains_w)},
    )
    read = read_channels(folder)
    assert read.appliances_w == {}
    assert any("sum of channels 1 and 2" in line for line in read.repairs)
    assert np.nansum(read.mains_w) == pytest.approx(house.mains_w.sum(), rel=1e-3)


@pytest.mark.parametrize(
    ("labels", "channels", "words"),
    [
        ({1: "kettle"}, {1: ([0, 60], [1, 2])}, "no channel is called"),
        ({1: "aggregate", 2: "kettle"}, {1: (np.arange(300) * 60, LEVELS)}, "channel_2.dat is missing"),
        ({1: "mains", 2: "mains"}, {1: (np.arange(300) * 60, LEVELS),
                                    2: (np.arange(300) * 60 + 30, LEVELS)}, "share 0 of"),
    ],
    ids=["no mains", "a channel is missing", "phases on two clocks"],
)  # fmt: skip
def test_folders_that_cannot_be_read(tmp_path, labels, channels, words):
    with pytest.raises(InputError, match=words):
        read_channels(_write(tmp_path / "house", labels, channels))


def test_a_damaged_line_is_named(tmp_path):
    folder = _write(tmp_path / "house", {1: "aggregate"}, {1: ([0, 60], [1, 2])})
    (folder / "channel_1.dat").write_text("1352500095 599\n1352500101 5x9\n")
    with pytest.raises(InputError, match="channel_1.dat"):
        read_channels(folder)
    (folder / "labels.dat").write_text("aggregate\n")
    with pytest.raises(InputError, match="line 1"):
        read_channels(folder)
