"""Laws of the load network and of boosting on tables."""

import numpy as np
import pytest
import torch

from labformer.domains.forecasting.models.boosted_trees import BoostedTrees, HourlyTrees
from labformer.domains.forecasting.models.load_network import LEVELS, LoadNetwork, LoadNetworkConfig
from labformer.domains.forecasting.models.network_regression import NetworkRegression
from labformer.domains.forecasting.surroundings import Columns


def sample(rows: int = 3000, seed: int = 0) -> tuple[Columns, np.ndarray, np.ndarray]:
    """Noise that grows with the weather: a network with quantiles can see where it is unsure."""
    rng = np.random.default_rng(seed)
    keys = np.arange(rows) % 24
    weather = rng.uniform(-1, 1, rows)
    values = np.stack([keys.astype(float), weather], -1)
    truth = np.sin(2 * weather) + 0.3 * np.cos(np.pi * keys / 12) + (0.05 + 0.2 * (weather > 0)) * rng.normal(size=rows)
    return Columns(("hour", "weather"), ("number", "weather"), values), keys, truth


@pytest.fixture(scope="module")
def network() -> NetworkRegression:
    return NetworkRegression(epochs=15).fit(*sample())


def test_the_curve_is_learnt(network: NetworkRegression) -> None:
    columns, keys, truth = sample(seed=1)
    calm = columns.named("weather") < 0
    assert np.sqrt(np.square(network.predict(columns, keys) - truth)[calm].mean()) < 0.09  # the noise is 0.05


def test_quantiles_never_cross_and_are_wide_where_the_noise_is(network: NetworkRegression) -> None:
    columns, keys, truth = sample(seed=1)
    found = network.quantiles(columns, keys, LEVELS)
    assert (np.diff(found, axis=-1) >= 0).all()
    width = found[:, LEVELS.index(0.95)] - found[:, LEVELS.index(0.05)]
    wild = columns.named("weather") > 0
    assert width[wild].mean() > 2 * width[~wild].mean()
    inside = (found[:, LEVELS.index(0.05)] <= truth) & (truth <= found[:, LEVELS.index(0.95)])
    assert 0.8 < inside.mean() < 0.97  # before any conformal step


def test_between_trained_levels_quantiles_follow_the_normal_distribution(network: NetworkRegression) -> None:
    columns, keys, _ = sample(100, seed=2)
    known = network.quantiles(columns, keys, LEVELS)
    asked = network.quantiles(columns, keys, (0.05, 0.07, 0.5, 0.99))
    np.testing.assert_allclose(asked[:, [0, 2]], known[:, [LEVELS.index(0.05), LEVELS.index(0.5)]], rtol=1e-6)
    assert (asked[:, 1] > asked[:, 0]).all()
    assert (asked[:, 3] >= known[:, -1]).all()


def test_weather_beyond_training_is_answered_as_its_edge(network: NetworkRegression) -> None:
    columns, keys, _ = sample(24)
    far, farther = (columns._replace(values=np.stack([keys, np.full(24, x)], -1)) for x in (50.0, 5000.0))
    np.testing.assert_array_equal(network.predict(far, keys), network.predict(farther, keys))


def test_members_start_apart_and_are_averaged(network: NetworkRegression) -> None:
    columns, keys, _ = sample(50)
    with torch.inference_mode():
        answer = network.network_(network._inputs(columns, keys))
    assert answer.point.shape == (3, 50)
    assert (answer.point.std(0) > 0).all()
    np.testing.assert_allclose(network.predict(columns, keys), answer.point.mean(0), rtol=1e-5)


def test_each_member_is_a_plain_network_of_its_own_weights() -> None:
    model = LoadNetwork(LoadNetworkConfig(4, 8)).eval()
    inputs = torch.randn(5, 4)
    for index in range(3):
        hidden = inputs
        for weight, bias in list(zip(model.weight, model.bias, strict=True))[:-1]:
            hidden = torch.nn.functional.gelu(hidden @ weight[index] + bias[index])
        point = (hidden @ model.weight[-1][index] + model.bias[-1][index])[:, 0]
        torch.testing.assert_close(model(inputs).point[index], point)


@pytest.mark.parametrize("kind", [NetworkRegression, BoostedTrees, HourlyTrees])
def test_arrays_bring_it_back(kind: type, network: NetworkRegression) -> None:
    columns, keys, truth = sample()
    made = network if kind is NetworkRegression else kind(rounds=10).fit(columns, keys, truth)
    again = kind.from_arrays(made.to_arrays())
    np.testing.assert_array_equal(again.predict(columns, keys), made.predict(columns, keys))
    assert again.parameters() == made.parameters()


@pytest.mark.parametrize(
    "settings", [{"inputs": 0}, {"inputs": 3, "levels": (0.1, 0.9)}, {"inputs": 3, "dropout": 1.0}]
)
def test_a_network_that_cannot_be_is_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="must|needs"):
        LoadNetworkConfig(**settings)  # type: ignore[arg-type]
