"""What ships, on simulated households whose heaters take other powers than those it learnt from.

python tests/benchmarks/nilm_other_powers.py [--days 30] [--households 4] [--json FILE]
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from labformer.domains.nilm.appliances import APPLIANCES
from labformer.domains.nilm.kinds import KINDS
from labformer.domains.nilm.metrics import score
from labformer.domains.nilm.predictor import Disaggregator
from labformer.domains.nilm.simulate import simulate

POWERS_W: dict[str, list[tuple[float, float]]] = {
    "kettle": [(1500, 1900), (1900, 2900), (3000, 3100)],
    "dishwasher": [(1300, 1700), (1700, 1900), (1900, 2300), (2350, 2600)],
    "washing_machine": [(1500, 1800), (1850, 2250), (2400, 2600)],
    "shower": [(7500, 9500), (9800, 10800)],
}
FIRST_SEED = 901


def main() -> None:
    """Print a table of TECA, F1 and monthly error by appliance and range of powers; write the rows as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--households", type=int, default=4)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    model, rows, documented = Disaggregator.from_pretrained("all"), [], dict(KINDS)
    for name, power_w in tqdm([(name, one) for name, ranges in POWERS_W.items() for one in ranges]):
        KINDS[name] = replace(documented[name], power_w=power_w)  # the simulator has no option for it
        found = []
        for seed in range(FIRST_SEED, FIRST_SEED + asked.households):
            house = simulate(asked.days, seed)
            said = model.predict(house).sel(appliance=name)
            watts = (said[one].values for one in ("power_w", "expected_w"))
            truth, one = house.appliances_w[name], APPLIANCES[name]
            found.append(score(truth, next(watts), one, house.local(), None, next(watts)))
        KINDS[name] = documented[name]
        means = {key: float(np.mean([getattr(one, key) for one in found])) for key in ("teca", "f1", "month_error")}
        rows.append({"appliance": name, "power_w": power_w, "documented": documented[name].power_w == power_w, **means})
    print("| appliance | power, kW | TECA / F1, month |\n|---|---|---:|")
    for row in rows:
        low, high = (watts / 1000 for watts in row["power_w"])
        print(
            f"| {APPLIANCES[row['appliance']].title} | {low:g} to {high:g}{', as learnt' * row['documented']} | "
            f"{row['teca']:.2f} / {row['f1']:.2f}, {100 * row['month_error']:.0f} % |"
        )
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
