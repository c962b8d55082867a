import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from labformer.shared.errors import InputError
from labformer.shared.transformer.head import ClassHead, EnergyHead, PointHead, QuantileHead, ordered


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def double(*shape):
    return torch.randn(*shape, dtype=torch.float64)


def test_a_point_head_gives_each_token_its_numbers():
    head, x = PointHead(6, 4).double(), double(2, 5, 6)
    torch.testing.assert_close(head(x)[1, 2], head.weight @ x[1, 2] + head.bias)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.floats(-(2.0**100), 2.0**100, width=32), min_size=1, max_size=9).flatmap(
        lambda free: st.tuples(st.just(free), st.integers(0, len(free) - 1))
    )
)
def test_ordered_numbers_never_cross_whatever_the_free_ones_are(case):
    free, middle = case
    rising = ordered(torch.tensor(free), middle)
    assert (rising.diff() >= 0).all()
    assert rising[middle] == torch.tensor(free)[middle]


def test_every_rising_row_can_be_reached():
    wanted = torch.tensor([-3.0, -1.0, 0.5, 0.75, 9.0], dtype=torch.float64)
    middle = 2
    free = wanted.diff().expm1().log()  # the inverse of softplus
    free = torch.cat([free[:middle], wanted[middle : middle + 1], free[middle:]])
    torch.testing.assert_close(ordered(free, middle), wanted)


def test_a_quantile_head_learns_the_quantiles_of_its_data():
    head, x = QuantileHead(1, 1, (0.1, 0.5, 0.9)), torch.ones(2000, 1)
    target = torch.randn(2000)
    levels = torch.tensor(head.levels)
    training = torch.optim.Adam(head.parameters(), 0.05)
    for _ in range(300):
        error = target[:, None] - head(x)[:, 0]
        loss = torch.maximum(levels * error, (levels - 1) * error).mean()
        training.zero_grad()
        loss.backward()
        training.step()
    below = (target[:, None] < head(x)[:, 0]).float().mean(0)
    torch.testing.assert_close(below, levels, rtol=0, atol=0.02)


def test_the_level_nearest_to_a_half_is_the_free_one():
    assert QuantileHead(3, 2, (0.1, 0.4, 0.8)).middle == 1
    assert QuantileHead(3, 2, (0.9,)).middle == 0
    assert QuantileHead(3, 2, (0.1, 0.4, 0.8))(torch.randn(4, 5, 3)).shape == (4, 5, 2, 3)


@pytest.mark.parametrize("levels", [(), (0.5, 0.1), (0.1, 0.1), (0.0, 0.5), (0.5, 1.0), (float("nan"),)])
def test_levels_that_do_not_rise_between_0_and_1_are_refused(levels):
    with pytest.raises(InputError, match="levels"):
        QuantileHead(3, 2, levels)


def test_classes_and_energies_do_not_see_what_is_not_real():
    x, real = double(2, 5, 6), torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
    x[1, 3:] = torch.nan
    for head in (ClassHead(6, 3).double(), EnergyHead(6).double()):
        torch.testing.assert_close(head(x, real)[0], head(x[:1])[0])
        torch.testing.assert_close(head(x, real)[1], head(x[1:, :3])[0])
        assert torch.isfinite(head(x, real).sum())


def test_two_copies_cost_twice_the_energy_and_score_as_one():
    x = double(2, 5, 6)
    twice = torch.cat([x, x], 1)
    energy, score = EnergyHead(6).double(), ClassHead(6, 3).double()
    torch.testing.assert_close(energy(twice), 2 * energy(x))
    torch.testing.assert_close(score(twice), score(x))


def test_a_sequence_without_a_real_token_has_no_energy():
    assert EnergyHead(6)(torch.randn(1, 4, 6), torch.zeros(1, 4, dtype=torch.bool)).item() == 0.0
