from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from labformer.domains.nilm.appliances import APPLIANCES
from labformer.domains.nilm.house import House
from labformer.domains.nilm.models.nilmformer import Answer
from labformer.domains.nilm.network import NetworkModel, PowerLoss
from labformer.domains.nilm.windows import Batch, HouseWindows
from labformer.shared.errors import InputError

KETTLE, MICROWAVE = APPLIANCES["kettle"], APPLIANCES["microwave"]
TINY = {"width": 16, "depth": 1, "heads": 2}
KINDS = {
    "nilmformer": {"sizes": TINY},
    "seq2point": {"sizes": {"window": 31, "dense": 16}},
    "bigru": {"sizes": {"filters": (4, 4), "units": (8, 8), "dense": 8, "dropout": 0.0}},
}


def simulated(days: int = 4, seed: int = 0, gaps: bool = True) -> House:
    """A house with a kettle of 2200 W, a microwave of 1000 W and a fridge that goes on and off."""
    rng, rows = np.random.default_rng(seed), days * 1440
    times = pd.date_range("2024-01-01", periods=rows, freq="min", tz="UTC")
    kettle, microwave = np.zeros((2, rows), np.float32)
    for power, watts, minutes in ((kettle, 2200, 4), (microwave, 1000, 8)):
        for start in rng.integers(0, rows - minutes, days * 12):
            power[start : start + minutes] = watts
    mains = kettle + microwave + 100 + 80 * (np.arange(rows) % 50 < 20) + rng.normal(0, 10, rows)
    mains = mains.astype(np.float32)
    if gaps:
        mains[500:510] = np.nan
    return House("simulated", times, pd.Timedelta("1min"), mains, {"kettle": kettle, "microwave": microwave})


def model(kind: str = "nilmformer", **options: Any) -> NetworkModel:
    given: dict[str, Any] = {"window": 32, "epochs": 1, "batch": 16, "learning_rate": 3e-3} | KINDS[kind]
    return NetworkModel(kind, **(given | options))


@pytest.fixture(scope="module")
def fitted() -> NetworkModel:
    return model(joint=True, states=True).fit([simulated(2)], [KETTLE, MICROWAVE])


@pytest.mark.parametrize(("kind", "epochs", "steps"), [("nilmformer", 6, None), ("seq2point", 8, 60), ("bigru", 3, 40)])
def test_a_network_learns_a_kettle_better_than_nothing(kind: str, epochs: int, steps: int | None) -> None:
    # rates at which five seeds learn with room to spare: at 1e-2 seq2point's luck depended on the machine
    rates = {"nilmformer": 1e-2, "seq2point": 3e-3, "bigru": 2e-2}
    quick: dict[str, Any] = {"learning_rate": rates[kind]} | ({"window": 16} if kind == "bigru" else {})
    learnt = model(kind, epochs=epochs, steps_per_epoch=steps, **quick).fit([simulated()], [KETTLE])
    house = simulated(2, seed=1)
    found = learnt.predict(house)["kettle"]
    real, truth = np.isfinite(house.mains_w), house.appliances_w["kettle"]
    assert np.abs(found.power_w - truth)[real].mean() < 0.5 * truth[real].mean()
    assert np.array_equal(np.isfinite(found.power_w), real) and np.array_equal(np.isfinite(found.on), real)
    assert set(np.unique(found.on[real])) == {0.0, 1.0}


def test_simulated_households_are_learnt_from_too() -> None:
    houses = [simulated(2)]
    alone = model(joint=True, steps_per_epoch=2).fit(houses, [KETTLE, MICROWAVE])
    more = model(joint=True, steps_per_epoch=2, households=2).fit(houses, [KETTLE, MICROWAVE])
    assert alone.scale_ == np.nanmax(houses[0].mains_w) < 5000
    assert more.scale_ > 7000  # of their showers
    lent = model(joint=True, steps_per_epoch=2, copies=1, days=1, simulated=1).fit(houses, [KETTLE, MICROWAVE])
    assert NetworkModel.from_arrays(lent.to_arrays()).config()["simulated"] == 1


@pytest.mark.parametrize("kind", KINDS)
def test_saved_and_loaded_networks_answer_the_same(kind: str) -> None:
    learnt = model(kind, states=True, steps_per_epoch=2).fit([simulated(2)], [KETTLE, MICROWAVE])
    again, house = NetworkModel.from_arrays(learnt.to_arrays()), simulated(1, seed=2)
    assert again.config() == learnt.config() | {"sizes": again.sizes} and again.appliances_ == (KETTLE, MICROWAVE)
    assert again.parameters() == learnt.parameters() > 0
    for name, found in again.predict(house).items():
        for one, other in zip(found, learnt.predict(house)[name], strict=True):
            np.testing.assert_array_equal(one, other)


def test_powers_are_zero_or_at_least_the_threshold_and_chances_are_chances(fitted: NetworkModel) -> None:
    for one in (KETTLE, MICROWAVE):
        found = fitted.predict(simulated(1, seed=3))[one.name]
        watts, on = (part[np.isfinite(part)] for part in found[:2])
        assert ((watts == 0) | (watts >= one.on_w)).all()
        assert ((on > 0) & (on < 1)).all() and len(np.unique(on)) > 100


@pytest.mark.parametrize("kind", KINDS)
def test_half_precision_answers_nearly_the_same(kind: str) -> None:
    learnt = model(kind, states=True, steps_per_epoch=20).fit([simulated(2)], [KETTLE])
    half, house = NetworkModel.from_arrays(learnt.to_arrays()), simulated(1, seed=2)
    half.precision = "bfloat16"
    one, other = learnt.predict(house)["kettle"], half.predict(house)["kettle"]
    assert one.on.dtype == other.on.dtype == np.float32
    assert 0 < np.nanmean(np.abs(one.on - other.on)) < 0.01


def test_one_network_answers_for_all_appliances_or_each_has_its_own(fitted: NetworkModel) -> None:
    assert len(fitted.networks_) == 1
    apart = model(steps_per_epoch=1).fit([simulated(1)], [KETTLE, MICROWAVE])
    assert len(apart.networks_) == 2 and set(apart.predict(simulated(1))) == {"kettle", "microwave"}


def test_each_network_says_how_its_training_went() -> None:
    apart = model(epochs=2, steps_per_epoch=3).fit([simulated(1)], [KETTLE, MICROWAVE])
    assert set(apart.outcomes_) == {"kettle", "microwave"}
    for name, best in zip(apart.outcomes_, apart.epochs_, strict=True):
        outcome = apart.outcomes_[name]
        assert [epoch.step for epoch in outcome.history] == [3, 6]
        assert outcome.best_epoch == best
        assert outcome.best_validation == min(epoch.validation or 0 for epoch in outcome.history)


def test_what_lies_beyond_a_gap_does_not_matter(fitted: NetworkModel) -> None:
    house = simulated(1, seed=4)
    whole, part = fitted.predict(house)["kettle"], fitted.predict(house.rows(slice(505, 1440)))["kettle"]
    np.testing.assert_array_equal(whole.on[505:], part.on)


def test_dropping_whole_strides_at_the_start_changes_nothing_a_window_later(fitted: NetworkModel) -> None:
    house = simulated(1, seed=5, gaps=False)
    whole, part = fitted.predict(house)["kettle"], fitted.predict(house.rows(slice(16 * 7, None)))["kettle"]
    np.testing.assert_allclose(whole.on[16 * 7 + 32 :], part.on[32:], rtol=1e-5)
    assert np.abs(whole.on[16 * 7 :] - part.on)[:16].max() > 1e-6  # the first window has lost what came before it


def test_four_weeks_later_in_the_same_month_the_answer_is_the_same(fitted: NetworkModel) -> None:
    house = simulated(1, seed=6)
    later = replace(house, times=house.times + pd.Timedelta(days=28))
    other = replace(house, times=house.times + pd.Timedelta(days=27))
    found = [fitted.predict(one)["kettle"].on for one in (house, later, other)]
    np.testing.assert_array_equal(found[0], found[1])
    assert np.nanmax(np.abs(found[0] - found[2])) > 1e-6


@pytest.mark.parametrize("rows", [1, 5, 31, 32, 33, 100])
def test_a_house_of_any_length_is_answered(fitted: NetworkModel, rows: int) -> None:
    found = fitted.predict(simulated(1).rows(slice(rows)))
    assert all(np.isfinite(part).all() and len(part) == rows for one in found.values() for part in one[:2])


def test_a_house_without_readings_gets_no_answer(fitted: NetworkModel) -> None:
    house = simulated(1).rows(slice(501, 509))
    assert all(np.isnan(part).all() and len(part) == 8 for one in fitted.predict(house).values() for part in one[:2])


def test_a_house_is_not_asked_about_its_appliances(fitted: NetworkModel) -> None:
    house = simulated(1)
    bare = replace(house, appliances_w={})
    for name, found in fitted.predict(bare).items():
        np.testing.assert_array_equal(found.power_w, fitted.predict(house)[name].power_w)


def test_the_same_seed_gives_the_same_network_and_leaves_the_global_stream_alone() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    one, same, other = (
        model(steps_per_epoch=2, seed=seed).fit([simulated(1)], [KETTLE]).to_arrays() for seed in (0, 0, 1)
    )
    assert torch.equal(before, torch.get_rng_state())
    assert all(np.array_equal(one[name], same[name]) for name in one)
    assert any(not np.array_equal(one[name], other[name]) for name in one if name.startswith("0."))


@pytest.mark.parametrize("stop", [3, 9])
def test_training_that_was_stopped_goes_on_as_if_it_had_not(tmp_path: Any, monkeypatch: Any, stop: int) -> None:
    def fit(folder: Any) -> dict[str, Any]:
        return model(epochs=3, steps_per_epoch=4, folder=folder).fit([simulated(1)], [KETTLE]).to_arrays()

    whole, batch, calls = fit(None), HouseWindows.batch, []

    def interrupted(self: HouseWindows, indices: torch.Tensor) -> Batch:
        calls.append(1)
        if len(calls) == stop:
            raise KeyboardInterrupt
        return batch(self, indices)

    monkeypatch.setattr(HouseWindows, "batch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path)
    monkeypatch.undo()
    resumed = fit(tmp_path)
    assert all(np.array_equal(whole[name], resumed[name]) for name in whole)


class Said(nn.Module):
    """A network that says what it was told to."""

    def __init__(self, power: torch.Tensor, logits: torch.Tensor | None = None) -> None:
        super().__init__()
        self.power, self.logits = nn.Parameter(power), logits

    def forward(self, mains: torch.Tensor, calendar: torch.Tensor) -> Answer:
        return Answer(self.power, self.logits)


def loss(power: torch.Tensor, **options: Any) -> PowerLoss:
    trainer = model(**options)
    trainer.scale_ = 4000.0
    return PowerLoss(trainer, (KETTLE, MICROWAVE), power.transpose(0, 1).flatten(1))


@pytest.mark.parametrize("options", [{}, {"loss": "l1"}])
def test_saying_zero_costs_one_whatever_the_appliances_take(options: dict[str, Any]) -> None:
    power = torch.rand(3, 2, 10) * torch.tensor([[1.0], [0.01]])
    power[0, 1] = torch.nan
    batch = Batch(power[:, :1], power, power)
    assert loss(power, **options)(Said(torch.zeros(3, 2, 10)), batch).item() == pytest.approx(1, rel=1e-5)
    assert loss(power, **options)(Said(power.nan_to_num(3.0)), batch).item() == 0


def test_what_was_not_metered_has_no_gradient_and_what_was_weighs_alike() -> None:
    power = torch.rand(3, 2, 10)
    power[0, 1], power[2, 0, 4:] = torch.nan, torch.nan
    said = Said(torch.rand(3, 2, 10) + 1)
    loss(power, loss="l1")(said, Batch(power[:, :1], power, power)).backward()
    assert torch.equal(said.power.grad == 0, power.isnan())
    for one in said.power.grad.unbind(1):
        assert len(torch.unique(one[one != 0])) == 1


def test_states_are_learnt_from_the_rule_of_the_appliance_and_may_weigh_more_when_on() -> None:
    power = torch.tensor([0.0, 499.0, 501.0, 7000.0]).repeat(1, 2, 1) / 4000  # W over the scale; the kettle is on once
    batch, sure = Batch(power[:, :1], power, power), torch.tensor([-50.0, -50.0, 50.0, -50.0]).repeat(1, 2, 1)
    right = sure.clone()
    right[0, 1] = torch.tensor([-50.0, 50.0, 50.0, -50.0])  # the microwave twice: from 200 W to 6000 W
    rule = loss(power, states=True)
    assert rule(Said(power.clone(), right), batch).item() == pytest.approx(0, abs=1e-6)
    wrong = rule(Said(power.clone(), sure), batch).item()
    assert wrong == pytest.approx(50 / 8)
    assert loss(power, states=True, positive_weight=3.0)(Said(power.clone(), sure), batch).item() == pytest.approx(
        3 * wrong
    )


def test_a_house_without_an_appliance_teaches_nothing_or_that_there_was_none() -> None:
    houses = [simulated(1), replace(simulated(1, seed=9), appliances_w={})]
    alone = model(steps_per_epoch=2).fit(houses[:1], [KETTLE], houses[:1])
    masked = model(steps_per_epoch=2).fit(houses, [KETTLE], houses[:1])
    zero = model(steps_per_epoch=2, absent="zero").fit(houses, [KETTLE], houses[:1])
    weights = [one.to_arrays()["0.head.weight"] for one in (alone, masked, zero)]
    assert alone.scale_ <= masked.scale_  # the scale knows the mains of both
    assert not np.array_equal(weights[1], weights[2])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"kind": "nilmformr"}, "known are nilmformer"),
        ({"window": 4}, "window=4"),
        ({"overlap": 1.0}, "overlap=1.0"),
    ],
)
def test_options_that_cannot_be_are_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        NetworkModel(**wrong)


def test_houses_that_cannot_teach_or_be_answered_are_refused(fitted: NetworkModel) -> None:
    house = simulated(1)
    with pytest.raises(InputError, match="dishwasher"):
        model().fit([house], [APPLIANCES["dishwasher"]])
    with pytest.raises(InputError, match="no stretch of 2000 samples"):
        model(window=2000).fit([house], [KETTLE])
    with pytest.raises(InputError, match="resample"):
        fitted.predict(replace(house, step=pd.Timedelta("10min")))
