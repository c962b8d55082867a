"""`Disaggregator`: the mains of a house in, its appliances out, with intervals and with what not to trust."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import xarray as xr

from ...shared.errors import InputError
from ...shared.evaluation.comparison import Comparison
from ...shared.reading.grid import say_duration
from .answer import answer, expected_powers, powers
from .appliances import APPLIANCES, Appliance, appliance
from .blending import blended
from .calibration import calibrate_on, coverage_table
from .choice import NOTHING, THRESHOLDS, Choice, choose, score_house, switched
from .day_comparison import day_comparison
from .doubts import doubt, doubts_of_strangers
from .expected import AS_IT_IS, expected
from .house import Estimate, House, Watts
from .keeping import fitted
from .left_out import LeftOut, left_out
from .lending import lenders
from .metrics import ZERO, Score, average
from .model import MainsModel
from .opening import open_mains
from .readings import Source
from .recompose import recompose
from .registry import BLEND, Run, entry
from .saving import read_model, write_model
from .split import first_and_last

DEFAULT = ("zero", "mean", "duty-cycle", "combinatorial", "factorial-hmm", "boosted-pair")
CHOSEN = "chosen"  # the row of what the disaggregator answers
COARSEST = 1.5  # steps between readings, beyond which a step no longer shows what it showed in training
LEAST_TECA = 0.55  # predicting nothing has .5, and validation flatters: it is made of the houses of training
MADE_UP = 4  # houses of validation made of each real one; simulated households lend to every second one


class Disaggregator:
    """Splits the mains of houses into appliances.

    appliances   names of `APPLIANCES`
    models       candidates by name of `registry.MODELS`; the best on validation is used, by appliance; `blend` is the
                 mean of the others that are no baselines
    coverage     of the intervals
    checkpoints  folder that keeps the training of networks, and what was fitted; stopped, it goes on
    """

    def __init__(
        self,
        appliances: Sequence[str] = ("kettle", "dishwasher", "washing_machine", "microwave"),
        models: Sequence[str] = DEFAULT,
        coverage: float = 0.9,
        seed: int = 0,
        device: str = "cpu",
        progress: bool = False,
        checkpoints: str | Path | None = None,
    ) -> None:
        self.appliances = appliances
        self.models = models
        self.coverage = coverage
        self.seed = seed
        self.device = device
        self.progress = progress
        self.checkpoints = checkpoints
        self.data_note_ = ""  # licence and source of the training data, for the card
        self.card_ = ""  # as it was written, of a model that was read
        self.tested_: list[str] = []
        self.scores_: dict[str, dict[str, Score]] = {}
        self.seconds_fit_: dict[str, float] = {}
        self.coverage_ = pd.DataFrame()
        self.coarser_: dict[pd.Timedelta, Path] = {}  # models of longer steps that ship beside this one, by step

    def fit(
        self,
        houses: Sequence[House],
        validation: Sequence[House] | None = None,
        test: Sequence[House] | None = None,
    ) -> Self:
        """Fit every candidate, choose by appliance on validation, calibrate there, score once on test.

        houses      submetered, on one step
        validation  houses to choose and calibrate on; None: the last quarter of each house, and houses made up of it
        test        houses that nothing was chosen on; None: no test, and the card says so
        Raises InputError for unknown names, houses of different steps, and an appliance that no house has.
        """
        known = self._checked(houses, validation or (), test or ())
        if validation is None:
            houses, held = first_and_last(houses)
        else:
            held = list(validation)
        seeds = np.random.default_rng([self.seed, 11]).integers(0, 2**31, (len(held), MADE_UP))
        names = [one.name for one in held]
        made = [
            recompose(one, [*held, *lenders(one.step, int(seed), place % 2)], int(seed))
            for one, row in zip(held, seeds, strict=True)
            for place, seed in enumerate(row)
        ]
        held = [*held, *made]
        self.step_ = houses[0].step
        self.houses_ = [one.name for one in houses]
        self.held_ = ("the last quarter of " if validation is None else "") + ", ".join(names)
        self.members_: dict[str, MainsModel] = {}
        self.seconds_fit_, self.tested_, self.scores_, self.coverage_ = {}, [], {}, pd.DataFrame()
        for name in self.models:
            if name == BLEND:
                continue
            run = Run(self.seed, self.device, self._folder(name), self.progress)
            self.members_[name], self.seconds_fit_[name] = fitted(name, run, houses, known)
        said, _ = self._all_say(held)
        apart = self._left_out(houses, known) if validation is None else {}
        self.choices_: dict[str, dict[str, Choice]] = {
            name: {
                one.name: found
                for one in known
                if (found := choose(held, said[name], one, self._thresholds(name), apart.get(name, ()))) is not None
            }
            for name in self.candidates()
        }
        self.chosen_ = {one.name: self._best(one) for one in known}
        self.thresholds_ = {name: self.choices_[model][name].threshold for name, model in self.chosen_.items()}
        self.counted_ = {name: self.choices_[model][name].counted for name, model in self.chosen_.items()}
        self.validation_scores_ = {
            model: {name: choice.score for name, choice in found.items()} for model, found in self.choices_.items()
        }
        self.apart_scores_ = {
            name: apart_score
            for name, model in self.chosen_.items()
            if (apart_score := self.choices_[model][name].apart) is not None
        }
        chosen = [{name: said[model][at][name] for name, model in self.chosen_.items()} for at in range(len(held))]
        strangers, answers = self._of_chosen(apart)
        self.bands_ = calibrate_on([*held, *strangers], [*chosen, *answers], self.counted_, self.coverage)
        self.trust_ = {name: self._doubt(APPLIANCES[name]) for name in self.chosen_}
        if validation is None:
            # where home has no doubt, and no house left out could have any
            asked = [one for one in known if not self.trust_[one.name] and one.name not in self.apart_scores_]
            self.trust_ |= doubts_of_strangers(self.say, asked, self.thresholds_, self.step_, self.seed)
        self.estimates_: dict[str, dict[str, Estimate]] = {}
        self.comparison_: Comparison | None = None
        if test:
            self._test(test)
        return self

    def predict(self, source: Source | House, **reading: Any) -> xr.Dataset:
        """Split the mains of one house.

        source   a `House`, or whatever `open_mains` opens, with its options; readings of any rate come to the step of
                 the model, or of one that ships beside it for readings further apart (`for_readings`)
        -> power_w, power_low_w, power_high_w, expected_w, probability (time, appliance); mains_w, rest_w (time);
           energy_kwh, energy_low_kwh, energy_high_kwh (day, appliance) and (month, appliance) with `month_` before
           the names; covered (day). The appliances together never exceed the mains; where these are missing, so is
           everything.
           `power_w` is what most likely runs; `expected_w` weighs doubts, and energies are its sums: what is half
           likely counts for half, and what such sums are usually short of is added (`expected`).
        """
        self._fitted()
        if isinstance(source, House):
            house = source
        else:
            suited, house = read_for(self, lambda step: open_mains(source, **{**reading, "step": step}))
            if suited is not self:
                return suited.predict(house)
        if house.step != self.step_:
            raise InputError(
                f"{house.name} has steps of {house.step}, the model learnt {self.step_}; coarsen it first."
            )
        if not np.isfinite(house.mains_w).any():
            raise InputError(f"{house.name} has no reading of the mains; nothing can be said of it.")
        prediction = answer(house, self.say(house), self.thresholds_, self.counted_, self.bands_)
        return prediction.assign_attrs(self._about(house))

    def for_readings(self, apart: pd.Timedelta | None) -> "Disaggregator":
        """Itself, or what ships beside it for readings this far apart: of the shortest step that is no shorter.

        What a kettle does in a minute cannot be seen in half an hour; there, models of half-hours know what can be.
        """
        if apart is None or apart <= COARSEST * self.step_ or not self.coarser_:
            return self
        step = min((step for step in self.coarser_ if step >= apart), default=max(self.coarser_))
        known = Disaggregator.from_pretrained(self.coarser_[step])
        return known.only(*(name for name in self.chosen_ if name in known.chosen_))

    def doubt(self, house: House | None, name: str) -> str:
        """Why the answer for an appliance, of this house or any, should not be trusted; empty without a reason."""
        said = ""
        if house is not None and house.apart is not None and house.apart > COARSEST * self.step_:
            said = (
                f"do not trust the {APPLIANCES[name].title}: the readings are {say_duration(house.apart)} apart, and "
                f"the models learnt from readings {say_duration(self.step_)} apart"
            )
        return "; ".join(filter(None, (said, self.trust_[name])))

    def only(self, *names: str) -> "Disaggregator":
        """The part of a fitted disaggregator that answers these appliances; washing-machine is washing_machine."""
        self._fitted()
        names = tuple(name.replace("-", "_") for name in names)  # folders of weights have hyphens
        if unknown := [name for name in names if name not in self.chosen_]:
            raise InputError(f"this disaggregator knows {', '.join(self.chosen_)}, not {unknown[0]!r}.")
        part = Disaggregator(names, self.models, self.coverage, self.seed, self.device)
        for kept in ("step_", "houses_", "held_", "tested_", "seconds_fit_", "data_note_"):
            setattr(part, kept, getattr(self, kept))
        for by_appliance in ("chosen_", "thresholds_", "counted_", "trust_", "bands_"):
            setattr(part, by_appliance, {name: getattr(self, by_appliance)[name] for name in names})
        part.apart_scores_ = {one: score for one, score in self.apart_scores_.items() if one in names}
        for by_model in ("validation_scores_", "scores_"):
            found = getattr(self, by_model)
            kept_scores = {model: {name: one[name] for name in names if name in one} for model, one in found.items()}
            setattr(part, by_model, {model: one for model, one in kept_scores.items() if one})
        wanted = dict.fromkeys(model for name in names for model in self.parts(self.chosen_[name]))
        part.members_ = {model: self.members_[model] for model in wanted}
        part.coarser_ = self.coarser_
        held = self.coverage_
        part.coverage_ = held[held["appliance"].isin(names)] if len(held) else held
        return part

    def save_pretrained(self, folder: str | Path, overwrite: bool = False) -> None:
        """Write config.json, model.safetensors and card.md, whole or not at all; only models that answer are kept."""
        self._fitted()
        write_model(self, folder, overwrite)

    @classmethod
    def from_pretrained(cls, folder: str | Path) -> "Disaggregator":
        """Read what `save_pretrained` wrote, or a model that ships with the suite, by name ("kettle", "all").

        Raises InputError when there is no such folder or name, or the folder is damaged.
        """
        return read_model(cls, folder)

    def candidates(self) -> list[str]:
        """Candidates in order, the blend last."""
        return [*self.members_, *([BLEND] if BLEND in self.models and self.parts(BLEND) else [])]

    def _checked(self, houses: Sequence[House], validation: Sequence[House], test: Sequence[House]) -> list[Appliance]:
        for given in (*houses, *validation, *test):
            if not isinstance(given, House):
                raise InputError(
                    f"a {type(given).__name__} is no house; read_house(PATH), or open_house(NAME) for those of the "
                    "catalogue, of labformer.domains.nilm make one."
                )
        known = [appliance(name).at(houses[0].step) for name in self.appliances] if houses else []
        if not known or not houses:
            raise InputError("give at least one appliance and one submetered house.")
        for name in self.models:
            if name != BLEND:
                entry(name)
        if not 0 < self.coverage < 1:
            raise InputError(f"coverage={self.coverage} must lie between 0 and 1, such as 0.9.")
        if len(steps := {one.step for one in (*houses, *validation, *test)}) > 1:
            raise InputError(f"houses have steps of {', '.join(map(str, sorted(steps)))}; take one.")
        for house in (*houses, *validation, *test):
            if not np.isfinite(house.mains_w).any():
                raise InputError(f"{house.name} has no reading of the mains; leave it out.")
        for house in test:
            if not {one.name for one in known} & house.appliances_w.keys():
                raise InputError(f"{house.name} has none of {', '.join(self.appliances)}; leave it out of the test.")
        for one in known:
            if not any((house.appliances_w.get(one.name, np.zeros(1)) >= one.on_w).any() for house in houses):
                raise InputError(f"no house has a {one.title} that ever runs ({one.on_w:g} W or more); leave it out.")
        return known

    def _fitted(self) -> None:
        if not hasattr(self, "bands_"):
            raise InputError(
                "this disaggregator is not fitted; call fit(...), or Disaggregator.from_pretrained(folder)."
            )

    def _folder(self, name: str) -> Path | None:
        return None if self.checkpoints is None else Path(self.checkpoints) / name

    def parts(self, model: str) -> list[str]:
        """Members behind a candidate: itself, or for the blend all that are no baselines."""
        return [name for name in self.members_ if entry(name).role != "baseline"] if model == BLEND else [model]

    def _all_say(self, houses: Sequence[House]) -> tuple[dict[str, list[dict[str, Estimate]]], dict[str, float]]:
        """What every candidate says of every house, and the seconds it took, by candidate."""
        said, seconds = {}, {}
        for name, model in self.members_.items():
            started = time.perf_counter()
            said[name] = [model.predict(house) for house in houses]
            seconds[name] = time.perf_counter() - started
        if BLEND in self.candidates():
            parts = self.parts(BLEND)
            said[BLEND] = [blended(found) for found in zip(*(said[name] for name in parts), strict=True)]
            seconds[BLEND] = sum(seconds[name] for name in parts)
        return said, seconds

    def say(self, house: House) -> dict[str, Estimate]:
        """What the chosen models say, by appliance."""
        wanted = dict.fromkeys(part for model in self.chosen_.values() for part in self.parts(model))
        said = {name: self.members_[name].predict(house) for name in wanted}
        return {
            name: blended([said[part] for part in self.parts(model)])[name] if model == BLEND else said[model][name]
            for name, model in self.chosen_.items()
        }

    def _left_out(self, houses: Sequence[House], known: Sequence[Appliance]) -> dict[str, list[LeftOut]]:
        """What candidates that are cheap enough say of houses they did not learn from, by candidate."""
        return {
            name: left_out(name, Run(self.seed, self.device, self._folder(name), self.progress), houses, known)
            for name in self.members_
            if entry(name).cheaper is not None
        }

    def _of_chosen(self, apart: Mapping[str, Sequence[LeftOut]]) -> tuple[list[House], list[dict[str, Estimate]]]:
        """Houses left out with what the chosen candidates say of them, and nothing of appliances they cannot answer."""
        strangers, answers = [], []
        for model, found in apart.items():
            mine = {name for name, chosen in self.chosen_.items() if chosen == model}
            for house, said in found:
                nothing = np.where(np.isfinite(house.mains_w), np.float32(0), np.float32(np.nan))
                metered = {name: power for name, power in house.appliances_w.items() if name in mine}
                strangers.append(replace(house, appliances_w=metered))
                answers.append(
                    {
                        name: said[name] if name in mine and name in said else Estimate(nothing, nothing)
                        for name in self.chosen_
                    }
                )
        return strangers, answers

    def _thresholds(self, model: str) -> Sequence[float]:
        return (AS_IT_IS,) if model != BLEND and entry(model).as_it_is else THRESHOLDS

    def _best(self, one: Appliance) -> str:
        able = {name: found[one.name] for name, found in self.choices_.items() if one.name in found}
        if not able:
            raise InputError(
                f"no house of validation has a {one.title} that ever runs; give longer data, or leave it out."
            )
        return max(able, key=lambda name: able[name].merit)

    def _doubt(self, one: Appliance) -> str:
        """Why the answers for an appliance should not be trusted; empty when validation gives no reason."""
        model = self.chosen_[one.name]
        found = self.validation_scores_[model][one.name]
        if model == ZERO:
            return f"the {one.title} is always answered by 0: on validation nothing did better"
        for where, score, least in (
            ("on houses left out of the fit", self.apart_scores_.get(one.name), NOTHING),
            ("on validation", found, LEAST_TECA),
        ):
            if score is not None and score.teca < least:
                return doubt(one, where, score)
        return ""

    def _test(self, test: Sequence[House]) -> None:
        said, self.seconds_predict_ = self._all_say(test)
        self.tested_ = [house.name for house in test]
        answers = {
            model: [self._switched(model, house, one) for house, one in zip(test, found, strict=True)]
            for model, found in said.items()
        }
        chosen = [{name: said[model][at][name] for name, model in self.chosen_.items()} for at in range(len(test))]
        answers[CHOSEN] = [powers(house, one, self.thresholds_) for house, one in zip(test, chosen, strict=True)]
        energies = {model: [self._expected(model, one) for one in found] for model, found in said.items()} | {
            CHOSEN: [expected_powers(house, one, self.counted_) for house, one in zip(test, chosen, strict=True)]
        }
        self.scores_ = {model: self._scores(model, test, found, energies[model]) for model, found in answers.items()}
        self.estimates_ = {**{model: found[0] for model, found in said.items()}, CHOSEN: chosen[0]}
        self.coverage_ = coverage_table(test, chosen, self.counted_, self.bands_, self.coverage)
        self.comparison_ = day_comparison(self, test, answers)

    def _switched(self, model: str, house: House, said: Mapping[str, Estimate]) -> dict[str, Watts]:
        """What a candidate alone would answer, at the thresholds chosen for it."""
        return {
            name: switched(said[name], choice.threshold, APPLIANCES[name].at(house.step))
            for name, choice in self.choices_[model].items()
        }

    def _expected(self, model: str, said: Mapping[str, Estimate]) -> dict[str, Watts]:
        """Power that a candidate alone would expect."""
        return {name: expected(said[name], choice.counted) for name, choice in self.choices_[model].items()}

    def _scores(
        self,
        model: str,
        test: Sequence[House],
        answers: Sequence[Mapping[str, Watts]],
        energies: Sequence[Mapping[str, Watts]],
    ) -> dict[str, Score]:
        found = {}
        for name in answers[0]:
            picked = self.chosen_[name] if model == CHOSEN else model
            at = self.choices_[picked][name].threshold
            scores = [
                score_house(house, power_w[name], APPLIANCES[name].at(house.step), at, energy_w[name])
                for house, power_w, energy_w in zip(test, answers, energies, strict=True)
                if name in house.appliances_w
            ]
            if scores:  # a house in which it never ran has no share of energy to be found
                found[name] = average([one for one in scores if one.mean_w > 0] or scores)
        return found

    def _about(self, house: House) -> dict[str, Any]:
        doubts = {name: text for name in self.chosen_ if (text := self.doubt(house, name))}
        return {
            "title": f"appliances of {house.name}",
            "chosen": json.dumps(self.chosen_),
            "trust": json.dumps(doubts),
            "calibration": (
                f"intervals of {100 * self.coverage:g} %: conformal bands by bin of what is predicted, calibrated on "
                f"{self.held_}, and houses made up of it" + (", and on houses left out" if self.apart_scores_ else "")
            ),
            "repairs": json.dumps(house.repairs),
            "odd": json.dumps(house.odd),
            "zone": house.zone or "as written",
        }


def read_for(model: Disaggregator, read: Callable[[pd.Timedelta], House]) -> tuple[Disaggregator, House]:
    """A house on the step of the model, or of what ships beside it for readings so far apart; with that model.

    read  reads the house on a step
    """
    house = read(model.step_)
    suited = model.for_readings(house.apart)
    return (model, house) if suited is model else (suited, read(suited.step_))
