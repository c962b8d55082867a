import math

import pytest
import torch

from labformer.shared.errors import InputError
from labformer.shared.transformer.position import (
    CALENDAR,
    FourierFeatures,
    calendar_features,
    fourier_features,
    rotate,
    rotate_plainly,
    sinusoidal,
)


def normal(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_the_sinusoidal_table_is_its_formula():
    table = sinusoidal(torch.arange(5, dtype=torch.float64), 6)
    for position in range(5):
        for i in range(3):
            angle = position / 10_000 ** (2 * i / 6)
            assert table[position, 2 * i].item() == pytest.approx(math.sin(angle), abs=1e-15)
            assert table[position, 2 * i + 1].item() == pytest.approx(math.cos(angle), abs=1e-15)


def test_the_product_of_two_sinusoidal_positions_depends_on_their_distance_alone():
    table = sinusoidal(torch.arange(20, dtype=torch.float64), 8)
    products = table @ table.mT
    for shift in (1, 7):
        torch.testing.assert_close(products[shift:, shift:], products[:-shift, :-shift])


@pytest.mark.parametrize("offset", [0, 5])
def test_rotation_agrees_with_its_definition_in_value_and_gradient(offset):
    x = normal(2, 3, 7, 6).requires_grad_()
    weight = normal(2, 3, 7, 6, seed=1)
    fast, plain = rotate(x, offset), rotate_plainly(x, offset)
    torch.testing.assert_close(fast, plain)
    torch.testing.assert_close(*(torch.autograd.grad((y * weight).sum(), x)[0] for y in (fast, plain)))


def test_rotation_keeps_lengths_and_leaves_position_zero():
    x = normal(1, 2, 9, 8)
    torch.testing.assert_close(rotate(x).norm(dim=-1), x.norm(dim=-1))
    assert (rotate(x)[:, :, 0] == x[:, :, 0]).all()


def test_scores_of_rotated_tokens_depend_on_their_distance_alone():
    query, key = normal(2, 1, 2, 9, 8).unbind(0)
    here = rotate(query) @ rotate(key).mT
    torch.testing.assert_close(rotate(query, 1000) @ rotate(key, 1000).mT, here)
    assert ((rotate(query, 1) @ rotate(key).mT) - here).abs().max() > 0.01


def test_the_offset_continues_a_cached_sequence_and_may_differ_between_sequences():
    x = normal(2, 3, 9, 8)
    whole = rotate(x)
    torch.testing.assert_close(torch.cat([rotate(x[:, :, :5]), rotate(x[:, :, 5:], 5)], 2), whole)
    ragged = rotate(x[:, :, :4], torch.tensor([2, 5])[:, None, None])
    torch.testing.assert_close(ragged[0], rotate(x[:1, :, :4], 2)[0])
    torch.testing.assert_close(ragged[1], rotate(x[1:, :, :4], 5)[0])


def test_half_precision_tokens_are_rotated_by_exact_angles():
    x = torch.ones(1, 1, 600, 4, dtype=torch.bfloat16)
    assert rotate(x).dtype is torch.bfloat16
    torch.testing.assert_close(rotate(x).float(), rotate(x.float()), rtol=0, atol=3 * 2**-8)


@pytest.mark.parametrize("make", [lambda: sinusoidal(torch.arange(3), 5), lambda: rotate(normal(1, 1, 3, 5))])
def test_an_odd_width_is_refused(make):
    with pytest.raises(InputError, match="5 channels do not make pairs of sine and cosine; take 6"):
        make()


def calendar(minute=0, weekday=0, day=1, length=365, holiday=False):
    numbers = (torch.tensor(float(x), dtype=torch.float64) for x in (minute, weekday, day, length))
    return calendar_features(*numbers, torch.tensor(holiday))


def test_calendar_features_start_at_midnight_of_monday_the_first_of_january():
    assert dict(zip(CALENDAR, calendar().tolist(), strict=True)) == {
        "day_sin": 0, "day_cos": 1, "week_sin": 0, "week_cos": 1, "year_sin": 0, "year_cos": 1, "holiday": 0,
    }  # fmt: skip
    assert calendar(minute=360, holiday=True)[[0, 6]].tolist() == [1, 1]


@pytest.mark.parametrize(
    ("last", "first", "second"),
    [
        ({"minute": 1439}, {"minute": 0}, {"minute": 1}),
        ({"weekday": 6}, {"weekday": 0}, {"weekday": 1}),
        ({"day": 365}, {"day": 1}, {"day": 2}),
        ({"day": 366, "length": 366}, {"day": 1, "length": 366}, {"day": 2, "length": 366}),
    ],
)
def test_the_calendar_is_a_circle_whose_last_step_is_as_long_as_its_first(last, first, second):
    last, first, second = (calendar(**when) for when in (last, first, second))
    step = (second - first).norm()
    assert step > 1e-3
    torch.testing.assert_close((first - last).norm(), step)


def test_calendar_features_take_whole_numbers_of_any_shape():
    whole = torch.zeros(2, 5, dtype=torch.int64)
    features = calendar_features(whole, whole, whole + 1, whole + 365, whole.bool())
    assert features.shape == (2, 5, 7)
    assert features.dtype is torch.get_default_dtype()


def test_fourier_features_are_their_formula_and_repeat_after_a_period():
    coordinate, frequency = normal(4, 5, 2), torch.tensor([[1.0, 0.0], [2.0, 3.0], [0.0, -1.0]], dtype=torch.float64)
    features = fourier_features(coordinate, frequency)
    for i, (u, v) in enumerate(frequency.tolist()):
        phase = 2 * math.pi * (u * coordinate[..., 0] + v * coordinate[..., 1])
        torch.testing.assert_close(features[..., i], phase.cos())
        torch.testing.assert_close(features[..., 3 + i], phase.sin())
    torch.testing.assert_close(fourier_features(coordinate + 1, frequency), features)


def test_the_product_of_fourier_features_depends_on_the_difference_of_coordinates_alone():
    embed = FourierFeatures(axis=2, feature=16, scale=3.0).double()
    coordinate = normal(6, 2)
    near, far = embed(coordinate), embed(coordinate + 0.7)
    torch.testing.assert_close(far @ far.mT, near @ near.mT)
    torch.testing.assert_close(near.square().sum(-1), torch.full((6,), 16.0, dtype=torch.float64))


def test_frequencies_follow_from_seed_and_scale_and_are_saved():
    one, same, other = (FourierFeatures(2, 400, scale, seed) for scale, seed in ((5.0, 1), (5.0, 1), (5.0, 2)))
    assert (one.frequency == same.frequency).all()
    assert (one.frequency != other.frequency).any()
    assert one.frequency.std().item() == pytest.approx(5.0, rel=4 / (2 * 800) ** 0.5)  # 4 standard errors
    assert list(one.state_dict()) == ["frequency"]
