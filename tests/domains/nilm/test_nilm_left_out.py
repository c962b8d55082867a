"""Houses left out: none is answered by a model that learnt from it, and what it shows counts in the choice."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from labformer.domains.nilm import doubts, registry
from labformer.domains.nilm.appliances import APPLIANCES, Appliance
from labformer.domains.nilm.choice import choose
from labformer.domains.nilm.house import Estimate, House
from labformer.domains.nilm.left_out import LeftOut, left_out
from labformer.domains.nilm.models.boosted import Boosted
from labformer.domains.nilm.predictor import Disaggregator
from labformer.domains.nilm.registry import Run
from labformer.domains.nilm.simulate import simulate
from labformer.shared.errors import InputError

NAMES = ("kettle", "dishwasher")
ASKED = [APPLIANCES[name] for name in NAMES]


@dataclass
class Recorder:
    """Keeps what it was fitted to, and answers the share of the mains that it heard of from the houses."""

    fits: list[tuple[list[str], list[str]]]
    names: list[str] = field(default_factory=list)

    def fit(self, houses: Sequence[House], appliances: Sequence[Appliance]) -> "Recorder":
        self.names = [one.name for one in appliances]
        self.fits.append(([house.name for house in houses], self.names))
        return self

    def predict(self, house: House) -> dict[str, Estimate]:
        assert house.name not in self.fits[-1][0]
        return {name: Estimate(house.mains_w, np.ones_like(house.mains_w)) for name in self.names}


@pytest.fixture(scope="module")
def houses() -> list[House]:
    made = [simulate(12, seed, appliances=NAMES) for seed in range(7)]
    return [replace(house, name=f"house {seed}") for seed, house in enumerate(made)]


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], list[str]]]:
    found: list[tuple[list[str], list[str]]] = []
    recorded = registry.MODELS["boosted"]._replace(cheaper=lambda run: Recorder(found))
    monkeypatch.setitem(registry.MODELS, "boosted", recorded)
    return found


def test_every_house_is_answered_by_a_model_that_learnt_from_others(
    houses: list[House], fits: list[tuple[list[str], list[str]]]
) -> None:
    for count, expected in ((7, 3), (2, 2), (1, 0)):
        fits.clear()
        found = left_out("boosted", Run(), houses[:count], ASKED)  # the model refuses to answer what it learnt from
        assert len(fits) == expected
        if expected:
            assert sorted(one.house.name for one in found) == [house.name for house in houses[:count]]
            assert all(set(one.said) == set(one.house.appliances_w) == set(NAMES) for one in found)


def test_what_no_other_house_has_is_not_answered(houses: list[House], fits: list[tuple[list[str], list[str]]]) -> None:
    kettle_only = replace(houses[1], appliances_w={"kettle": houses[1].appliances_w["kettle"]})
    found = left_out("boosted", Run(), [houses[0], kettle_only], ASKED)
    assert fits == [([kettle_only.name], ["kettle"]), ([houses[0].name], list(NAMES))]
    assert [list(one.house.appliances_w) for one in found] == [["kettle"], ["kettle"]]
    assert set(found[0].said) == {"kettle"}
    idle = replace(houses[1], appliances_w={"kettle": np.zeros_like(houses[1].mains_w)})
    late = np.where(np.arange(len(idle.mains_w)) < 9 * 1440, 0, houses[1].appliances_w["kettle"])
    for other in (idle, replace(idle, appliances_w={"kettle": late})):  # a model of halves learns from both
        fits.clear()
        left_out("boosted", Run(), [houses[0], other], ASKED)
        assert ([other.name], ["kettle"]) not in fits


def test_a_house_whose_others_cannot_be_learnt_from_alone_is_passed_over(
    houses: list[House], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Refuses(Recorder):
        def fit(self, houses: Sequence[House], appliances: Sequence[Appliance]) -> "Recorder":
            if houses[0].name == "house 0":
                raise InputError("too little")
            return super().fit(houses, appliances)

    refusing = registry.MODELS["boosted"]._replace(cheaper=lambda run: Refuses([]))
    monkeypatch.setitem(registry.MODELS, "boosted", refusing)
    assert [one.house.name for one in left_out("boosted", Run(), houses[:2], ASKED)] == ["house 0"]


def doubtful(house: House, sure: float) -> dict[str, Estimate]:
    """Answers that mean something, of a model that is so sure where the appliance runs."""
    truth, rng = house.appliances_w["kettle"], np.random.default_rng(0)
    runs = truth >= ASKED[0].on_w
    on = np.clip(np.where(runs, sure, 0.02) + rng.normal(0, 1, len(truth)) * np.where(runs, 0.1, 0.02), 0, 1)
    return {"kettle": Estimate(np.full(len(truth), 2000, np.float32), on.astype(np.float32))}


def test_sums_of_energy_rest_on_strangers_and_the_threshold_does_not(houses: list[House]) -> None:
    home, said = houses[:1], [doubtful(houses[0], 0.8)]
    strangers = [LeftOut(house, doubtful(house, 0.4)) for house in houses[1:3]]
    alone, few, both = (choose(home, said, ASKED[0], apart=apart) for apart in ([], strangers[:1], strangers))
    assert alone is not None and few is not None and both is not None
    assert alone.threshold == few.threshold == both.threshold
    assert alone.apart is None and few.apart is not None and both.apart is not None
    assert alone.counted == few.counted < both.counted  # one stranger is none to rest on
    assert both.apart.month_error < few.apart.month_error  # since these are what it was raised for
    unmetered = LeftOut(replace(houses[1], appliances_w={}), {})
    assert choose(home, said, ASKED[0], apart=[unmetered]) == alone


def quick(**settings: Any) -> Boosted:
    return Boosted(copies=0, rounds=12, rest=2_000, **settings)


def test_a_disaggregator_says_how_it_does_on_houses_left_out(
    houses: list[House], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = registry.MODELS["boosted"]._replace(build=lambda run: quick(), cheaper=lambda run: quick(seed=1))
    monkeypatch.setitem(registry.MODELS, "boosted", one)
    made = Disaggregator(NAMES, ("zero", "boosted"), checkpoints=tmp_path / "kept").fit(houses[:2])
    assert set(made.apart_scores_) == {name for name in NAMES if made.chosen_[name] == "boosted"} != set()
    again = Disaggregator(NAMES, ("zero", "boosted"), checkpoints=tmp_path / "kept").fit(houses[:2])  # read, not fitted
    assert scores(again.apart_scores_) == scores(made.apart_scores_)
    made.save_pretrained(tmp_path / "model")
    loaded = Disaggregator.from_pretrained(tmp_path / "model")
    assert scores(loaded.apart_scores_) == scores(made.apart_scores_)
    card = (tmp_path / "model" / "card.md").read_text()
    assert "learnt from the others" in card
    alone = made.only("kettle")
    assert set(alone.apart_scores_) <= {"kettle"}
    given = Disaggregator(NAMES, ("zero", "boosted")).fit(houses[:1], validation=houses[1:2])
    assert given.apart_scores_ == {}
    given.save_pretrained(tmp_path / "given")
    assert "No house was left out" in (tmp_path / "given" / "card.md").read_text()


def test_doubt_comes_from_strangers_first(houses: list[House], monkeypatch: pytest.MonkeyPatch) -> None:
    one = registry.MODELS["boosted"]._replace(build=lambda run: quick(), cheaper=lambda run: Wrong())
    monkeypatch.setitem(registry.MODELS, "boosted", one)
    made = Disaggregator(("kettle",), ("boosted",)).fit(houses[:2])
    assert made.validation_scores_["boosted"]["kettle"].teca > 0.55
    assert made.trust_["kettle"].startswith("do not trust single uses of the kettle: on houses left out of the fit")


def test_what_one_house_taught_is_doubted_where_simulated_strangers_are_not_found(
    houses: list[House], monkeypatch: pytest.MonkeyPatch
) -> None:
    for wrong, doubted in (
        (lambda house: len(house.mains_w) == doubts.DAYS * 1440, True),
        (lambda house: False, False),
    ):
        one = registry.MODELS["boosted-plain"]._replace(build=lambda run, wrong=wrong: WrongIn(wrong))
        monkeypatch.setitem(registry.MODELS, "boosted-plain", one)
        made = Disaggregator(("kettle",), ("boosted-plain",)).fit(houses[:1])
        assert made.apart_scores_ == {}
        assert made.validation_scores_["boosted-plain"]["kettle"].teca > 0.95
        assert ("and in simulated ones, which are easier than real ones, TECA is" in made.trust_["kettle"]) == doubted
        given = Disaggregator(("kettle",), ("boosted-plain",)).fit(houses[:1], validation=houses[1:2])
        assert given.trust_["kettle"] == ""  # another house of the user's is a better judge
    for step in ("7s", "5min"):  # the simulator's ticks do not make the one; of the other nothing is known
        assert doubts.doubts_of_strangers(lambda house: {}, ASKED[:1], {"kettle": 0.5}, pd.Timedelta(step), 0) == {}


class WrongIn(Boosted):
    """Knows the truth, but in some houses."""

    def __init__(self, wrong: Callable[[House], bool]) -> None:
        super().__init__()
        self.wrong = wrong

    def fit(self, houses: Sequence[House], appliances: Sequence[Appliance]) -> "WrongIn":
        return self

    def predict(self, house: House) -> dict[str, Estimate]:
        truth = house.appliances_w["kettle"]
        on = (truth >= ASKED[0].on_w) != self.wrong(house)
        return {"kettle": Estimate(np.where(on, np.maximum(truth, 600), 0).astype(np.float32), on.astype(np.float32))}


class Wrong(Boosted):
    """Is sure of the wrong minutes."""

    def fit(self, houses: Sequence[House], appliances: Sequence[Appliance]) -> "Wrong":
        return self

    def predict(self, house: House) -> dict[str, Estimate]:
        off = house.appliances_w["kettle"] < ASKED[0].on_w
        return {"kettle": Estimate(np.full(len(off), 600, np.float32), off.astype(np.float32))}


def scores(found: Mapping[str, Any]) -> dict[str, tuple[float, ...]]:
    return {name: astuple(one) for name, one in found.items()}
