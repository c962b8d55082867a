"""A year's load from its weather: no load of the year is known, its weather and its calendar are.

Members regress the (log) load on calendar, weather and the memory of weather; a convex blend of them is fitted on
months that the members had not seen. Intervals are split conformal on the same held-out forecasts.
"""

import time
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import torch
import xarray as xr
from numpy.typing import NDArray

from ....shared.errors import InputError
from ....shared.evaluation.comparison import Comparison
from ....shared.learning.folder import read_folder, rebuild_config, write_folder
from ....shared.reading.files import read_table
from ....shared.reading.grid import say_duration
from ..calendars import with_holidays
from ..data import LoadData, read_load, require_length
from ..features import steps_a_day
from ..forecasts import forecast_dataset
from ..intervals import levels_of
from ..regression_load import Learner
from ..surroundings import LONGEST_MEMORY, Floats
from .intervals import YearIntervals
from .members import MEMBERS, NARROWEST, HeldOut, fit_members, hold_out, points_of, spread_of
from .weather import YearInputs

BLEND = "blend"
LEAST_DAYS = 350  # of history: a season that was never seen cannot be learnt
INNER = (0.5, 0.8)  # coverages of the fan


@dataclass(frozen=True)
class YearLayout:
    """What a table must hold for this model."""

    target: str
    covariates: tuple[str, ...]
    zone: str | None
    step: str
    unit: str
    fitted_from: str  # first and last time it was fitted on, ISO 8601 in UTC
    fitted_until: str


class YearLoad:
    """Forecast one load over any time whose covariates are known, without any load of that time.

    members      names from `year_members.MEMBERS`; each alone and their blend are compared on held-out months
    holidays     code of a calendar such as US-CA (`calendars.with_holidays`); None: what the covariates say
    weekdays     False where the weekday of the stamps cannot be trusted, as with anonymous years
    summer_time  IANA zone whose summer time people keep although the stamps keep standard time all year
    coverage     of the interval

    After `fit`: `chosen_`, `weights_` (by member), `validation_` (held-out error by model), `inputs_`, `members_`,
    `intervals_`, `layout_`; `comparison_` once `year_comparison.compare_year` has scored it on another year.
    """

    comparison_: Comparison | None = None

    def __init__(
        self,
        members: Sequence[str] = tuple(MEMBERS),
        holidays: str | None = None,
        weekdays: bool = True,
        summer_time: str | None = None,
        coverage: float = 0.9,
        seed: int = 0,
        device: str = "cpu",
        progress: bool = False,
    ) -> None:
        self.members = members
        self.holidays = holidays
        self.weekdays = weekdays
        self.summer_time = summer_time
        self.coverage = coverage
        self.seed = seed
        self.device = device
        self.progress = progress

    def fit(self, data: LoadData, rows: slice | None = None) -> Self:
        """Learn from history, or from `rows` of it alone; choose on months that are held out of them.

        Raises InputError for bad settings, several targets, no covariates and less than a year.
        """
        rows = slice(0, data.known) if rows is None else rows
        self._check(data, rows)
        names, wide = tuple(self.members), self.prepared(data)
        self.inputs_ = YearInputs.fit(wide, rows, self.weekdays, self.summer_time)
        table, truth = self.inputs_.table(wide), self.inputs_.scale.encode(data.targets[:, 0])
        real = np.arange(rows.start, rows.stop)[~data.filled[rows, 0]]
        held = hold_out(names, data, table, truth, real, self.seed, self.device, self.progress)
        point = self._choose(held, names)
        self.members_: dict[str, Learner] = {}
        self.seconds_: dict[str, float] = {}  # to fit, by model
        for name in names:
            started = time.perf_counter()
            self.members_ |= fit_members((name,), table, truth, real, self.seed, self.device)
            self.seconds_[name] = time.perf_counter() - started
        self.seconds_[BLEND] = held.seconds + sum(self.seconds_.values())
        local = data.local()[real]
        self.intervals_ = YearIntervals.fit(held, point, np.asarray(12 * local.year + local.month), self.coverages_)
        self.least_spread_ = NARROWEST * float(held.spread.mean())
        self.layout_ = YearLayout(
            data.target_names[0],
            data.future_names,
            data.zone,
            str(data.step),
            data.units.get(data.target_names[0], ""),
            data.times[rows.start].isoformat(),
            data.times[rows.stop - 1].isoformat(),
        )
        return self

    @property
    def coverages_(self) -> tuple[float, ...]:
        """Coverages that are calibrated, rising; the last is the one that was asked for."""
        return (*(inner for inner in INNER if inner < self.coverage), self.coverage)

    @property
    def metric_(self) -> str:
        """Errors are judged in percent where the load is positive throughout, else in its unit."""
        return "MAPE" if self.inputs_.scale.logarithmic else "MAE"

    def predict(self, data: LoadData, rows: slice | None = None) -> xr.Dataset:
        """Forecast the rows behind the last load, all rows where there are none, or `rows`.

        ->      point (time, target) and forecast (time, target, quantile) in the unit of the load, as CF labels them
        Rows before the first one forecast give the memory of the weather; where there are none the first weather
        counts as all that came before. Raises InputError when step or covariates are not those of the fit.
        """
        if rows is None:
            rows = slice(data.known % len(data.times), len(data.times))
        if rows.start >= rows.stop:
            raise InputError(f"there are no rows from {rows.start} to {rows.stop} to forecast.")
        if (week := pd.Timedelta(hours=LONGEST_MEMORY)) > rows.start * data.step:
            lacking = f"{say_duration(rows.start * data.step)} of weather before the first row forecast"
            warnings.warn(f"{lacking}: buildings remember {say_duration(week)}, give so many rows more", stacklevel=2)
        points, margins = self.points(data, rows)
        point = self.weights_array() @ points
        edges = np.concatenate([point[:, None] - margins[:, ::-1], point[:, None], point[:, None] + margins], axis=1)
        decode = self.inputs_.scale.decode
        return forecast_dataset(
            data.times[rows],
            levels_of(self.coverages_),
            decode(edges)[:, None],
            decode(point)[:, None],
            target_names=(self.layout_.target,),
            units={self.layout_.target: self.layout_.unit},
            zone=data.zone,
            origin=pd.Timestamp(self.layout_.fitted_until),  # no later load is used
            calibration=self.calibration_(),
            model=self.chosen_,
        )

    def read(self, source: str | Path | pd.DataFrame, **reading: Any) -> LoadData:
        """Read the covariates of a table, whose loads are not looked at; the rows to forecast are those after the fit.

        Other arguments of `read_load` may be given. Raises InputError when the table does not fit.
        """
        layout = self.layout_
        # the reader wants a history: what stands in for it changes from row to row, and is taken away again
        frame = read_table(source, layout.covariates).frame
        frame = frame.assign(**{layout.target: np.arange(len(frame)) % 2 + 1.0})
        known = {"targets": layout.target, "future_covariates": layout.covariates, "zone": layout.zone}
        data = read_load(frame, **(known | reading))
        seen = int(data.times.searchsorted(pd.Timestamp(layout.fitted_until), side="right"))
        return replace(data, targets=np.full_like(data.targets, np.nan), known=seen % len(data.times))

    def points(self, data: LoadData, rows: slice) -> tuple[Floats, Floats]:
        """What each member says, and the margins, standardised; -> (member, row), (row, coverage)."""
        if not hasattr(self, "members_"):
            raise InputError("this forecaster is not fitted; call fit(...), or YearLoad.from_pretrained(folder).")
        self._require_same(data)
        table, wanted = self.inputs_.table(self.prepared(data)), np.arange(len(data.times))[rows]
        spread = spread_of(self.members_, table, wanted, self.least_spread_)
        return points_of(self.members_, table, wanted), self.intervals_.margins(spread)

    def prepared(self, data: LoadData) -> LoadData:
        """The data with the holidays of the calendar as one more covariate, where one is named."""
        return data if self.holidays is None else with_holidays(data, self.holidays)

    def fitted_rows(self, data: LoadData) -> NDArray[np.int64]:
        """The rows of this table that the forecaster was fitted on; (row,)."""
        first, last = pd.Timestamp(self.layout_.fitted_from), pd.Timestamp(self.layout_.fitted_until)
        return np.flatnonzero((data.times >= first) & (data.times <= last))

    def again(self) -> Self:
        """A forecaster of the same settings that is not fitted, with the comparison of this one."""
        made = type(self)(tuple(self.members), device=self.device, progress=self.progress, **self._settings())
        made.comparison_ = self.comparison_
        return made

    def weights_array(self) -> Floats:
        """The weight of each member, in their order; (member,)."""
        return np.array([self.weights_[name] for name in self.members_])

    def calibration_(self) -> str:
        """Say how the intervals were calibrated, and what was measured on another year where it was."""
        words = self.intervals_.words()
        if self.comparison_ is None:
            return words
        row = next(row for row in self.comparison_.rows if row.model == self.comparison_.chosen)
        return f"{words}; measured coverage on the test year {row.others['coverage %']:.1f} %, of the model before it"

    def save_pretrained(self, folder: str | Path, card: str, overwrite: bool = False) -> None:
        """Write `config.json`, `model.safetensors` and `card.md`; raises InputError when the folder exists."""
        config = {
            "settings": {**self._settings(), "members": list(self.members)},
            "layout": asdict(self.layout_),
            "inputs": self.inputs_.to_dict(),
            "intervals": asdict(self.intervals_),
            "chosen": self.chosen_,
            "weights": self.weights_,
            "validation": self.validation_,
            "least_spread": self.least_spread_,
        }
        tensors = {
            f"{name}.{part}": torch.from_numpy(np.ascontiguousarray(array))
            for name, member in self.members_.items()
            for part, array in member.to_arrays().items()
        }
        write_folder(folder, "YearLoad", config, tensors, card, overwrite)

    @classmethod
    def from_pretrained(cls, folder: str | Path) -> Self:
        """The forecaster that `save_pretrained` wrote; it predicts, and has no comparison."""
        saved = read_folder(folder, "YearLoad")
        config = saved.config
        try:
            made = cls(**{**config["settings"], "members": tuple(config["settings"]["members"])})
            made.layout_ = rebuild_config(YearLayout, config["layout"], folder)
            made.intervals_ = rebuild_config(YearIntervals, config["intervals"], folder)
            made.inputs_ = YearInputs.from_dict(config["inputs"])
            made.chosen_, made.weights_ = config["chosen"], config["weights"]
            made.validation_, made.least_spread_ = config["validation"], float(config["least_spread"])
            made.members_ = {
                name: MEMBERS[name].loaded(
                    {
                        part.removeprefix(f"{name}."): tensor.numpy()
                        for part, tensor in saved.tensors.items()
                        if part.startswith(f"{name}.")
                    }
                )
                for name in made.members
            }
        except (KeyError, TypeError) as error:
            raise InputError(f"the model folder {folder} is damaged or of another version ({error!r}).") from error
        return made

    def _choose(self, held: HeldOut, names: tuple[str, ...]) -> Floats:
        """Weigh the members, by the blend or all for the best one; -> the chosen held-out forecast (row,)."""
        blend = held.blend()
        found = {**dict(zip(names, held.points, strict=True)), BLEND: blend}
        self.validation_ = {name: self._error(held.truth, point) for name, point in found.items()}
        self.chosen_ = min(self.validation_, key=lambda name: self.validation_[name])
        alone = np.array([float(name == self.chosen_) for name in names])
        weights = held.weights() if self.chosen_ == BLEND else alone
        self.weights_ = dict(zip(names, weights.tolist(), strict=True))
        self.blend_weights_ = dict(zip(names, held.weights().tolist(), strict=True))
        return np.asarray(found[self.chosen_])

    def _error(self, truth: Floats, point: Floats) -> float:
        decoded, known = self.inputs_.scale.decode(point), self.inputs_.scale.decode(truth)
        size = np.abs(decoded - known)
        return float(100 * (size / known).mean() if self.metric_ == "MAPE" else size.mean())

    def _check(self, data: LoadData, rows: slice) -> None:
        if not 0.5 < self.coverage < 1:
            raise InputError(f"coverage={self.coverage} must lie between 0.5 and 1, such as 0.9.")
        if unknown := [name for name in self.members if name not in MEMBERS] or not self.members:
            raise InputError(f"members={list(self.members)} ({unknown}): name some of {', '.join(MEMBERS)}.")
        if len(data.target_names) != 1:
            raise InputError(f"a year ahead is forecast for one target, not {', '.join(data.target_names)}.")
        if not data.future_names:
            raise InputError("name covariates that are known ahead, such as temperature: a year's load follows them.")
        require_length(data.until(rows.stop), rows.start + LEAST_DAYS * steps_a_day(data), "a year-ahead forecast")

    def _require_same(self, data: LoadData) -> None:
        layout = self.layout_
        if data.step != pd.Timedelta(layout.step):
            raise InputError(
                f"the table has a step of {say_duration(data.step)}, the model was fitted on "
                f"{say_duration(pd.Timedelta(layout.step))}; resample it."
            )
        if data.future_names != layout.covariates:
            raise InputError(
                f"the covariates {', '.join(data.future_names) or 'none'} are not those of the fit, in its order: "
                f"{', '.join(layout.covariates)}."
            )

    def _settings(self) -> dict[str, Any]:
        names = ("holidays", "weekdays", "summer_time", "coverage", "seed")
        return {name: getattr(self, name) for name in names}
