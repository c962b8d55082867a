import torch
from torch import nn

from labformer.shared.learning.average import WeightAverage


def test_the_average_follows_its_recurrence() -> None:
    parameter = nn.Parameter(torch.zeros(2, dtype=torch.float64))
    average = WeightAverage([parameter], decay=0.5)
    expected = torch.zeros(2, dtype=torch.float64)
    for step in range(1, 20):
        with torch.no_grad():
            parameter.fill_(float(step))
        average.update(step)
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * step
    torch.testing.assert_close(average.average[0], expected, rtol=1e-14, atol=0)


def test_parameters_hold_the_average_inside_and_their_own_values_afterwards() -> None:
    parameter = nn.Parameter(torch.ones(2))
    average = WeightAverage([parameter], decay=0.9)
    with torch.no_grad():
        parameter.fill_(3.0)
    with average.applied():
        assert torch.equal(parameter, torch.ones(2))
    assert torch.equal(parameter, torch.full((2,), 3.0))


def test_constant_weights_are_their_own_average() -> None:
    parameter = nn.Parameter(torch.full((2,), 0.3, dtype=torch.float64))
    average = WeightAverage([parameter], decay=0.99)
    for step in range(1, 50):
        average.update(step)
    torch.testing.assert_close(average.average[0], parameter.detach(), rtol=1e-14, atol=0)
