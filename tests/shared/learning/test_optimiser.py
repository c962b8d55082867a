import pytest
import torch
from torch import nn

from labformer.shared.learning.optimiser import ascended, make_optimiser, parameter_groups, unchanged


class ShiftNorm(nn.Module):
    """A norm of no known class, with a parameter of two axes."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(2, 3))


def test_only_matrices_outside_norms_decay_and_each_trained_parameter_stands_once() -> None:
    model = nn.ModuleDict(
        {"linear": nn.Linear(3, 4), "norm": nn.LayerNorm((2, 3)), "own": ShiftNorm(), "frozen": nn.Linear(3, 3)}
    ).requires_grad_(True)
    model["frozen"].requires_grad_(False)
    groups = parameter_groups(model, 0.1)
    decayed = [id(p) for group in groups if group["weight_decay"] for p in group["params"]]
    assert decayed == [id(model["linear"].weight)]
    everything = [id(p) for group in groups for p in group["params"]]
    assert sorted(everything) == sorted(id(p) for p in model.parameters() if p.requires_grad)


def test_adamw_shrinks_a_matrix_without_gradient_and_leaves_its_bias() -> None:
    model = nn.Linear(3, 2, dtype=torch.float64)
    weight, bias = model.weight.detach().clone(), model.bias.detach().clone()
    optimiser = make_optimiser(model, "adamw", learning_rate=0.1, weight_decay=0.5)
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimiser.step()
    torch.testing.assert_close(model.weight.detach(), weight * (1 - 0.1 * 0.5), rtol=1e-15, atol=0)
    assert torch.equal(model.bias, bias)


def test_adam_couples_its_decay_into_the_gradient_of_every_parameter() -> None:
    model = nn.Linear(3, 2, dtype=torch.float64)
    before = [p.detach().clone() for p in model.parameters()]
    optimiser = make_optimiser(model, "adam", learning_rate=0.1, weight_decay=0.5)
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimiser.step()
    for parameter, old in zip(model.parameters(), before, strict=True):
        first_step = 0.1 * 0.5 * old / (0.5 * old.abs() + 1e-8)  # Adam's: the rate times the sign of the gradient
        torch.testing.assert_close(parameter.detach(), old - first_step, rtol=1e-12, atol=1e-14)


def test_ascent_moves_by_rho_along_one_common_gradient_and_returns_bit_for_bit() -> None:
    torch.manual_seed(0)
    parameters = [nn.Parameter(torch.randn(shape, dtype=torch.float64)) for shape in ((3, 4), (5,))]
    for parameter in parameters:
        parameter.grad = torch.randn_like(parameter)
    before = [p.detach().clone() for p in parameters]
    gradient = torch.cat([p.grad.flatten() for p in parameters])
    with ascended(parameters, rho=0.7):
        moved = torch.cat([(p.detach() - old).flatten() for p, old in zip(parameters, before, strict=True)])
        for parameter in parameters:
            parameter.grad = torch.full_like(parameter, 2.0)
    torch.testing.assert_close(moved, 0.7 * gradient / (gradient.norm() + 1e-12), rtol=1e-12, atol=1e-15)
    assert all(torch.equal(p, old) for p, old in zip(parameters, before, strict=True))
    assert all((p.grad == 2.0).all() for p in parameters)  # the gradient of the moved place is what steps


def test_ascent_of_a_zero_gradient_stays_where_it_is() -> None:
    parameter = nn.Parameter(torch.ones(3))
    parameter.grad = torch.zeros(3)
    with ascended([parameter], rho=1.0):
        assert torch.equal(parameter, torch.ones(3))


def test_values_come_back_after_an_error_too() -> None:
    tensor = torch.tensor([1.0, float("nan")])
    with pytest.raises(RuntimeError, match="inside"), unchanged([tensor]):
        tensor.zero_()
        raise RuntimeError("inside")
    assert tensor[0] == 1.0
    assert tensor[1].isnan()
