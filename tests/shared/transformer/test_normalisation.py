import pytest
import torch

from labformer.shared.errors import InputError
from labformer.shared.transformer.normalisation import (
    AdaptiveNorm,
    LayerNorm,
    ReversibleInstanceNorm,
    RMSNorm,
    restore,
    standardise,
)

EPS = 1e-5


def normal(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def layer_norm_plainly(x, weight, bias, eps=1e-5):
    centred = x - x.mean(-1, keepdim=True)
    return centred / (centred.square().mean(-1, keepdim=True) + eps).sqrt() * weight + bias


def rms_norm_plainly(x, weight, eps=torch.finfo(torch.float64).eps):
    return x / (x.square().mean(-1, keepdim=True) + eps).sqrt() * weight


@pytest.mark.parametrize(("build", "plain"), [(LayerNorm, layer_norm_plainly), (RMSNorm, rms_norm_plainly)])
def test_channel_norms_agree_with_their_papers_in_value_and_gradient(build, plain):
    norm, x = build(6).double(), (3 + normal(2, 5, 6)).requires_grad_()
    parameters = list(norm.parameters())
    for i, parameter in enumerate(parameters):
        parameter.data.copy_(normal(6, seed=i + 1))
    pair = norm(x), plain(x, *parameters)
    torch.testing.assert_close(*pair)
    gradients = (torch.autograd.grad(y.pow(3).sum(), [x, *parameters], retain_graph=True) for y in pair)
    torch.testing.assert_close(*gradients)


def test_a_standardised_window_has_mean_zero_and_deviation_one_and_comes_back():
    window = 100 + 7 * normal(2, 3, 50)
    scaled, mean, scale = standardise(window)
    torch.testing.assert_close(scaled.mean(-1), torch.zeros(2, 3, dtype=torch.float64), rtol=0, atol=1e-13)
    deviation = scaled.std(-1, correction=0)
    torch.testing.assert_close(deviation, torch.ones_like(deviation), rtol=EPS, atol=0)
    torch.testing.assert_close(scale[..., 0], (window.var(-1, correction=0) + EPS).sqrt())
    torch.testing.assert_close(restore(scaled, mean, scale), window)


def test_shifting_and_scaling_a_window_leaves_it_standardised_as_before():
    window = normal(2, 3, 50)
    moved = standardise(1e4 + 250 * window, eps=0.0).scaled
    torch.testing.assert_close(moved, standardise(window, eps=0.0).scaled, rtol=0, atol=1e-11)


def test_statistics_carry_no_gradient():
    window = normal(1, 2, 9).requires_grad_()
    scaled, mean, scale = standardise(window)
    assert not mean.requires_grad
    assert not scale.requires_grad
    (gradient,) = torch.autograd.grad(scaled.sum(), window)
    torch.testing.assert_close(gradient, (1 / scale).expand_as(window))


def test_a_constant_window_becomes_zeros_and_comes_back():
    scaled, mean, scale = standardise(torch.full((1, 1, 9), 42.0))
    assert scaled.abs().max() == 0
    assert (restore(scaled, mean, scale) == 42).all()


def test_missing_values_are_not_looked_at_and_become_the_mean():
    window = 5 + normal(1, 2, 30)
    real = torch.rand(1, 2, 30, generator=torch.Generator().manual_seed(3)) < 0.7
    scaled, mean, scale = standardise(window.masked_fill(~real, torch.nan), real)
    assert (scaled[~real] == 0).all()
    for series in range(2):
        seen = standardise(window[0, series][real[0, series]])
        torch.testing.assert_close(scaled[0, series][real[0, series]], seen.scaled)
        torch.testing.assert_close((mean[0, series], scale[0, series]), (seen.mean, seen.scale))


def test_a_mask_of_all_real_steps_changes_nothing_and_one_mask_serves_all_series():
    window, real = normal(2, 3, 10), torch.ones(10, dtype=torch.bool)
    torch.testing.assert_close(standardise(window, real), standardise(window))
    real[4] = False
    torch.testing.assert_close(standardise(window, real), standardise(window, real.expand_as(window)))


def test_a_window_with_nothing_real_gives_zeros():
    scaled, mean, scale = standardise(torch.full((1, 1, 4), torch.nan), torch.zeros(1, 1, 4, dtype=torch.bool))
    assert scaled.abs().max() == mean.abs().max() == 0
    assert (scale > 0).all()


def learned(series=3):
    norm = ReversibleInstanceNorm(series).double()
    norm.gain.data, norm.shift.data = normal(series, 1, seed=1), normal(series, 1, seed=2)
    return norm


def test_the_reversible_norm_is_its_formula():
    norm, window = learned(), 20 + 3 * normal(2, 3, 12)
    mean = window.mean(-1, keepdim=True)
    scale = (window.var(-1, correction=0, keepdim=True) + EPS).sqrt()
    expected = (window - mean) / scale * norm.gain + norm.shift
    torch.testing.assert_close(tuple(norm(window)), (expected, mean, scale))


@pytest.mark.parametrize("affine", [True, False])
def test_the_reversible_norm_undoes_itself(affine):
    norm, window = learned() if affine else ReversibleInstanceNorm(3, affine=False), 20 + 3 * normal(2, 3, 12)
    torch.testing.assert_close(norm.restore(*norm(window)), window)


def test_a_forecast_through_the_reversible_norm_moves_with_its_window():
    norm, window = learned(), normal(2, 3, 40)

    def forecast(window):
        scaled, mean, scale = norm(window)
        return norm.restore(scaled[..., -8:].cumsum(-1), mean, scale)

    # eps is added to a variance of about 1 and of about 6e4, hence the tolerance
    torch.testing.assert_close(forecast(1e3 + 250 * window), 1e3 + 250 * forecast(window), rtol=20 * EPS, atol=0.1)


def test_a_gain_that_reached_zero_does_not_break_the_way_back():
    norm = ReversibleInstanceNorm(2).double()
    norm.gain.data.copy_(torch.tensor([[0.0], [-1e-30]]))
    scaled, mean, scale = norm(normal(1, 2, 9))
    out = norm.restore(scaled, mean, scale)
    torch.testing.assert_close(out, mean.expand_as(out))
    out.sum().backward()
    assert norm.shift.grad.isfinite().all()


def test_statistics_and_affine_parameters_of_a_masked_window_leave_missing_steps_at_the_mean():
    norm, real = learned(), torch.tensor([True, True, False, True])
    scaled, mean, scale = norm(normal(2, 3, 4), real)
    torch.testing.assert_close(norm.restore(scaled, mean, scale)[..., 2:3], mean)


def test_another_number_of_series_is_refused_when_parameters_are_learned():
    with pytest.raises(InputError, match="has 4 series, this norm learned 3"):
        ReversibleInstanceNorm(3)(torch.zeros(1, 4, 9))
    assert ReversibleInstanceNorm(3, affine=False)(torch.zeros(1, 4, 9)).scaled.shape == (1, 4, 9)


def test_the_adaptive_norm_starts_as_a_layer_norm_behind_a_closed_gate():
    norm, x = AdaptiveNorm(6, 4).double(), normal(2, 5, 6)
    normed, gate = norm(x, normal(2, 4))
    torch.testing.assert_close(normed, torch.nn.functional.layer_norm(x, (6,)))
    assert gate.shape == (2, 1, 6)
    assert gate.abs().max() == 0
    gate.sum().backward()
    assert norm.to_modulation.weight.grad.abs().max() > 0  # closed, yet it learns


def test_the_adaptive_norm_is_its_formula_for_conditions_of_sequences_and_of_tokens():
    norm, x, condition = AdaptiveNorm(6, 4).double(), normal(2, 5, 6), normal(2, 5, 4)
    torch.nn.init.normal_(norm.to_modulation.weight, generator=torch.Generator().manual_seed(0))
    normed, gate = norm(x, condition)
    shift, scale, expected_gate = norm.to_modulation(condition * condition.sigmoid()).split(6, -1)
    torch.testing.assert_close(normed, torch.nn.functional.layer_norm(x, (6,)) * (1 + scale) + shift)
    torch.testing.assert_close(gate, expected_gate)
    one, each = norm(x, condition[:, 0]), norm(x, condition[:, :1].expand(2, 5, 4))
    torch.testing.assert_close(one[0], each[0])
    torch.testing.assert_close(one[1].expand(2, 5, 6), each[1])
