"""Laws of combinatorial optimisation: no combination is nearer, and levels alone in a house are found."""

from dataclasses import replace

import numpy as np
import pandas as pd

from labformer.domains.nilm.appliances import APPLIANCES
from labformer.domains.nilm.house import House
from labformer.domains.nilm.lessons import combinations, joint_powers
from labformer.domains.nilm.models.combinatorial import Combinatorial, base_load
from labformer.domains.nilm.simulate import simulate

ASKED = [APPLIANCES[name] for name in ("kettle", "dishwasher", "microwave")]
HOUSE = simulate(14, 0)


def test_no_other_combination_is_nearer_to_the_mains() -> None:
    model = Combinatorial().fit([HOUSE], ASKED)
    found = model.predict(HOUSE)
    totals = joint_powers(list(model.levels_.values()), combinations(list(model.levels_.values()))).sum(1)
    above = (HOUSE.mains_w - base_load(HOUSE))[:3000].astype(float)
    chosen = sum(one.power_w[:3000].astype(float) for one in found.values())
    np.testing.assert_allclose(np.abs(above - chosen), np.abs(above[:, None] - totals).min(1), atol=1e-3)


def test_more_base_load_changes_nothing() -> None:
    model = Combinatorial().fit([HOUSE], ASKED)
    more = replace(HOUSE, mains_w=HOUSE.mains_w + np.float32(128))
    assert (model.predict(HOUSE)["kettle"].power_w == model.predict(more)["kettle"].power_w).mean() > 0.999


def test_in_a_house_of_nothing_but_two_appliances_every_state_is_found() -> None:
    rng = np.random.default_rng(0)
    times = pd.date_range("2024-01-01", periods=4 * 1440, freq="1min", tz="UTC")
    kettle = np.where((rng.random(len(times)) < 0.05) & (times.hour > 5), 2500, 0).astype(np.float32)
    microwave = np.where((rng.random(len(times)) < 0.05) & (times.hour > 5), 900, 0).astype(np.float32)
    metered = {"kettle": kettle, "microwave": microwave}
    house = House("plain", times, pd.Timedelta("1min"), 80 + kettle + microwave, metered)
    found = Combinatorial().fit([house], [APPLIANCES[name] for name in metered]).predict(house)
    for name, power in metered.items():
        np.testing.assert_allclose(found[name].power_w, power, atol=1e-2)
        np.testing.assert_array_equal(found[name].on, power > 0)


def test_the_base_load_of_a_simulated_house_is_its_quiet_night() -> None:
    nights = HOUSE.mains_w.reshape(14, 1440)[:, :300].min(1)
    assert base_load(HOUSE) == np.median(nights)
    noon = HOUSE.rows(slice(720, 800))
    assert base_load(noon) == noon.mains_w.min()
