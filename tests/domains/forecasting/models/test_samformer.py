import pytest
import torch
from torch import Tensor

from labformer.domains.forecasting.models.samformer import SAMformer, SAMformerConfig
from labformer.domains.forecasting.training import ForecastWindows, fit_by_gradient
from labformer.shared.errors import InputError
from labformer.shared.learning.config import TrainingConfig

SMALL = SAMformerConfig(series=3, lookback=12, horizon=5, width=4, value_dim=4)


def made(config: SAMformerConfig = SMALL) -> SAMformer:
    torch.manual_seed(0)
    return SAMformer(config).double().eval()


def randn(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(("value_dim", "count"), [(16, 82_590), (None, 328_334)])
def test_sizes_are_those_of_both_published_variants(value_dim: int | None, count: int) -> None:
    model = SAMformer(SAMformerConfig(7, 512, 96, value_dim=value_dim))
    assert sum(parameter.numel() for parameter in model.parameters()) == count


def test_weights_start_in_the_published_ranges_and_biases_at_0() -> None:
    model = SAMformer(SAMformerConfig(7, 512, 96))
    bounds = {"to_query": 0.0263, "to_key": 0.0263, "to_value": 0.0263, "to_out": 0.1066, "to_future": 0.0993}
    for name, bound in bounds.items():
        layer = model.get_submodule(name)
        assert 0.97 * bound < layer.weight.abs().max() <= bound * 1.002
        assert (layer.bias == 0).all()


@pytest.mark.parametrize("value_dim", [4, None])
def test_it_equals_the_formula_of_the_paper(value_dim: int | None) -> None:
    model, past = made(SAMformerConfig(3, 12, 5, 4, value_dim)), randn(6, 3, 12)
    for parameter in model.parameters():  # gain, shift and biases too, which start at 1 and 0
        parameter.data.add_(0.1 * randn(*parameter.shape))
    mean, scale = past.mean(-1, keepdim=True), (past.var(-1, correction=0, keepdim=True) + 1e-5).sqrt()
    x = (past - mean) / scale * model.norm.gain + model.norm.shift
    weight = (model.to_query(x) @ model.to_key(x).mT / 4**0.5).softmax(-1)
    y = model.to_future(x + model.to_out(weight @ model.to_value(x)))
    expected = (y - model.norm.shift) / model.norm.gain * scale + mean
    torch.testing.assert_close(model(past), expected)


def test_permuted_variates_give_permuted_forecasts_at_the_start() -> None:
    model, past = made(), randn(6, 3, 12)
    torch.testing.assert_close(model(past[:, [2, 0, 1]]), model(past)[:, [2, 0, 1]])


def test_variates_see_one_another() -> None:
    model, past = made(), randn(6, 3, 12)
    other = past.clone()
    other[:, 1] = randn(6, 12).flip(0)
    assert (model(past) - model(other))[:, 0].abs().max() > 1e-4


def test_forecasts_shift_and_scale_with_each_window() -> None:
    model, past = made(), 50 * randn(6, 3, 12)  # so that the 1e-5 beside the variance is nothing
    scale, shift = torch.tensor([[2.0], [0.5], [7.0]]), torch.tensor([[3.0], [-40.0], [0.0]])
    torch.testing.assert_close(model(past * scale + shift), model(past) * scale + shift, rtol=1e-6, atol=1e-6)


def test_sharpness_aware_training_is_another_path_and_radius_0_is_plain_adam() -> None:
    values = randn(120, 3).numpy()

    def trained(rho: float) -> Tensor:
        model = made()
        config = TrainingConfig(2, 16, 1e-2, "adam", sam_rho=rho)
        fit_by_gradient(model.float(), ForecastWindows(values, 12, 5), None, config, progress=False)
        return model.to_future.weight.detach()

    windows = ForecastWindows(values, 12, 5)
    model = made().float()
    optimiser = torch.optim.Adam(model.parameters(), 1e-2)
    orders = []

    class Watched(ForecastWindows):
        def batch(self, indices: Tensor):
            orders.append(indices)
            return super().batch(indices)

    twin = made().float()
    fit_by_gradient(twin, Watched(values, 12, 5), None, TrainingConfig(2, 16, 1e-2, "adam"), progress=False)
    for indices in orders:
        batch = windows.batch(indices)
        optimiser.zero_grad()
        (model(batch.past) - batch.future).square().mean().backward()
        optimiser.step()
    torch.testing.assert_close(trained(0.0), model.to_future.weight.detach(), rtol=1e-4, atol=1e-5)
    assert (trained(0.5) - trained(0.0)).abs().max() > 1e-3


def test_another_number_of_variates_and_impossible_sizes_are_refused() -> None:
    with pytest.raises(InputError, match="this norm learned 3"):
        made()(randn(2, 4, 12))
    for wrong in ({"lookback": 1}, {"horizon": 0}, {"series": 0}, {"width": 0}, {"value_dim": 0}):
        with pytest.raises(ValueError, match="must be at least"):
            SAMformerConfig(**wrong)
