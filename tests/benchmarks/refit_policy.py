"""How often to fit again: a year of forecasts by a model that is refitted once, each quarter, month or week.

Run as `python tests/benchmarks/refit_policy.py --json FILE` with vic-electricity and gefcom2014-e at hand.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from labformer.domains.forecasting.calendars import with_holidays
from labformer.domains.forecasting.data import read_load
from labformer.domains.forecasting.day_bench import DAY_CASES
from labformer.domains.forecasting.features import steps_a_day
from labformer.domains.forecasting.registry import Size, load_model
from labformer.shared.datasets.catalogue import locate


def mape_by_policy(case: str, name: str, days: int | None) -> float:
    """Mean absolute percentage error over the test year; `days` between fits, None fits once."""
    known = DAY_CASES[case]
    data = read_load(locate(known.entry), **known.reading)
    data = data if known.holidays is None else with_holidays(data, known.holidays)
    day = steps_a_day(data)
    origins = np.arange(data.known - 365 * day, data.known, day)
    model = load_model(name, Size(day))
    model.fit(data, slice(0, int(origins[0])), slice(int(origins[0]), int(origins[0])))
    found = []
    for block in np.array_split(origins, 1 if days is None else round(365 / days)):
        if found:
            model.refit(data, slice(0, int(block[0])))
        forecast = model.predict(data, block)
        truth = data.targets[block[:, None] + np.arange(day)]
        found.append(np.abs(forecast / truth - 1))
    return 100 * float(np.concatenate(found).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--models", default="spline-ridge,boosting")
    rows = []
    typed = parser.parse_args()
    for case in DAY_CASES:
        for name in typed.models.split(","):
            for days in (None, 91, 30, 7) if name == "spline-ridge" else (None, 91, 30):
                rows.append({"case": case, "model": name, "days": days, "mape": mape_by_policy(case, name, days)})
                print(rows[-1], flush=True)
    typed.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
