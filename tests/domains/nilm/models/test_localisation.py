import math
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from labformer.domains.nilm.appliances import APPLIANCES
from labformer.domains.nilm.house import House
from labformer.domains.nilm.localiser import WeakLocaliser
from labformer.domains.nilm.models.localisation import LocaliserConfig, WindowClassifier, locate
from labformer.shared.errors import InputError

KETTLE = APPLIANCES["kettle"]


def simulated(days: int = 6, seed: int = 0) -> House:
    """A kettle of 2500 W in every other hour or so, and a lamp."""
    rng, rows = np.random.default_rng(seed), days * 1440
    kettle = np.zeros(rows, np.float32)
    for start in rng.integers(0, rows - 12, days * 10):
        kettle[start : start + 12] = 2500
    mains = (kettle + 150 + 100 * (np.arange(rows) % 90 < 40) + rng.normal(0, 10, rows)).astype(np.float32)
    mains[300:310] = np.nan
    times = pd.date_range("2024-01-01", periods=rows, freq="min", tz="UTC")
    return House("simulated", times, pd.Timedelta("1min"), mains, {"kettle": kettle})


def small(**options: Any) -> WeakLocaliser:
    given: dict[str, Any] = {"window": 60, "kernels": (5, 9), "filters": (8, 8, 8), "epochs": 12, "batch": 16}
    return WeakLocaliser(**(given | options))


@pytest.fixture(scope="module")
def fitted() -> WeakLocaliser:
    return small().fit([simulated()], [KETTLE])


def members() -> list[WindowClassifier]:
    torch.manual_seed(0)
    made = [WindowClassifier(LocaliserConfig(kernel, (4, 6, 6))).eval() for kernel in (5, 7)]
    for member in made:
        torch.nn.init.constant_(member.head.bias, 0)
    return made


def lean(member: WindowClassifier, yes: float) -> WindowClassifier:
    """The member with its mind made up, maps as they were."""
    member.head.bias.data = torch.tensor([-yes, yes])
    return member


def test_a_yes_or_no_per_window_is_enough_to_find_when_it_runs(fitted: WeakLocaliser) -> None:
    house = simulated(3, seed=1)
    found, truth = fitted.predict(house)["kettle"], house.appliances_w["kettle"]
    real = np.isfinite(house.mains_w)
    assert np.abs(found.power_w - truth)[real].mean() < 0.6 * truth[real].mean()
    assert np.array_equal(np.isfinite(found.power_w), real)
    assert (found.power_w[real] <= house.mains_w[real]).all() and fitted.power_w_ == [pytest.approx(2500)]


def test_labels_carry_no_power_but_the_usual_one() -> None:
    house = simulated(4)
    moved = house.appliances_w["kettle"].copy()
    for window in moved[: 1440 * 3].reshape(-1, 60):  # inside its window, the kettle at another time
        window[:] = np.roll(window, 7)
    gap = np.isnan(house.mains_w)
    first = house.rows(slice(310, 310 + 40 * 60))
    rolled = np.concatenate([np.roll(one, 7) for one in first.appliances_w["kettle"].reshape(-1, 60)])
    assert gap.any() and not np.array_equal(rolled, first.appliances_w["kettle"])
    other = replace(first, appliances_w={"kettle": rolled})
    one, two = (small(epochs=1).fit([each], [KETTLE], []).to_arrays() for each in (first, other))
    assert all(np.array_equal(one[name], two[name]) for name in one)


def test_only_members_that_say_yes_have_a_map_and_a_no_of_all_is_silence() -> None:
    mains = torch.rand(3, 1, 40) * 3
    one, two = members()
    both = locate([lean(one, 9.0), lean(two, 9.0)], mains)
    assert (both.probability > 0.9).all() and both.strength.max() > 0 and (both.strength < 1).all()
    half = locate([one, lean(two, -3.0)], mains)
    alone = locate([one], mains)
    torch.testing.assert_close(torch.logit((half.strength + 1) / 2), torch.logit((alone.strength + 1) / 2) / 2)
    assert not locate([lean(one, -9.0), lean(two, -9.0)], mains).strength.any()


def test_a_full_map_is_on_from_ln_three_kilowatts() -> None:
    (member, _), power = members(), torch.tensor([math.log(3) - 1e-3, math.log(3) + 1e-3])
    member.explain = lambda x: (torch.ones(len(x)), torch.ones(len(x), x.shape[-1]))  # type: ignore[method-assign]
    strength = locate([member], power[:, None, None].expand(2, 1, 9)).strength
    assert (strength[0] < 0.5).all() and (strength[1, 2:-2] > 0.5).all()


def test_maps_lie_between_nothing_and_one_and_reach_it() -> None:
    member = members()[0]
    member.head.weight.data.abs_()
    _, found = member.explain(torch.rand(8, 1, 50))
    assert (found >= 0).all() and (found <= 1).all() and found.max() == 1


def test_the_published_member_has_the_size_its_layers_add_up_to() -> None:
    def convolution(inside: int, out: int, kernel: int) -> int:
        return inside * out * kernel + out + 2 * out

    blocks = ((1, 64), (64, 128), (128, 128))
    size = sum(convolution(a, b, 7) + convolution(b, b, 7) + convolution(b, b, 3) for a, b in blocks)
    size += convolution(1, 64, 1) + convolution(64, 128, 1) + 2 * 128 + 2
    assert sum(weight.numel() for weight in WindowClassifier(LocaliserConfig(7)).parameters()) == size


def test_a_saved_localiser_answers_the_same(fitted: WeakLocaliser) -> None:
    again, house = WeakLocaliser.from_arrays(fitted.to_arrays()), simulated(1, seed=2)
    for one, other in zip(again.predict(house)["kettle"], fitted.predict(house)["kettle"], strict=True):
        np.testing.assert_array_equal(one, other)
    assert again.config() == fitted.config() and again.parameters() == fitted.parameters()


def test_a_localiser_that_cannot_learn_or_answer_says_why(fitted: WeakLocaliser) -> None:
    house = simulated(1)
    always = replace(house, appliances_w={"kettle": np.full(1440, 2000, np.float32)})
    for useless in (always, replace(house, appliances_w={})):
        with pytest.raises(InputError, match="with and without"):
            small().fit([useless], [KETTLE])
    with pytest.raises(InputError, match="resample"):
        fitted.predict(replace(house, step=pd.Timedelta("10min")))
    with pytest.raises(ValueError, match="kernel=4"):
        LocaliserConfig(4)
