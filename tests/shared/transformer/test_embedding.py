import pytest
import torch
import torch.nn.functional as F

from labformer.shared.errors import InputError
from labformer.shared.transformer.embedding import CalendarEmbedding, ClassToken, PatchEmbedding, SeriesEmbedding
from labformer.shared.transformer.position import calendar_features


def normal(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("stride", [None, 2, 4, 7])
def test_patches_agree_with_a_convolution_in_value_and_gradient(stride):
    embed = PatchEmbedding(4, 5, stride).double()
    series = normal(2, 3, 4 + 3 * (stride or 4)).requires_grad_()
    token = embed(series)
    kernel, bias = embed.project.weight[:, None], embed.project.bias
    plain = F.conv1d(series.flatten(0, 1)[:, None], kernel, bias, stride or 4).mT.unflatten(0, (2, 3))
    assert token.shape == (2, 3, 4, 5)
    torch.testing.assert_close(token, plain)
    inputs = (series, embed.project.weight)
    torch.testing.assert_close(
        *(torch.autograd.grad(x.square().sum(), inputs, retain_graph=True) for x in (token, plain))
    )


def test_each_patch_sees_its_own_steps_and_no_others():
    embed, series = PatchEmbedding(4, 5).double(), normal(1, 1, 12)
    changed = series.clone()
    changed[..., 4:8] += 1
    moved = (embed(changed) != embed(series)).all(-1)[0, 0]
    assert moved.tolist() == [False, True, False]


@pytest.mark.parametrize(("time", "fits"), [(13, "12 or 14"), (3, "4 or 6"), (0, "4 or 6")])
def test_steps_that_patches_would_leave_over_are_refused(time, fits):
    with pytest.raises(InputError, match=f"{time} steps are not covered .* give {fits} steps"):
        PatchEmbedding(4, 5, 2)(torch.zeros(1, 1, time))


@pytest.mark.parametrize(("patch", "stride"), [(0, None), (4, 0)])
def test_a_patch_or_stride_of_nothing_is_refused(patch, stride):
    with pytest.raises(InputError, match="must be 1 step or more"):
        PatchEmbedding(patch, 5, stride)


def test_whole_series_become_tokens_each_by_itself_in_any_number():
    embed, series = SeriesEmbedding(12, 5).double(), normal(2, 4, 12)
    token = embed(series)
    torch.testing.assert_close(token, series @ embed.project.weight.mT + embed.project.bias)
    order = torch.tensor([2, 0, 3])
    torch.testing.assert_close(embed(series[:, order]), token[:, order])


def test_a_series_of_another_length_is_refused():
    with pytest.raises(InputError, match="have 11 steps, this embedding takes 12"):
        SeriesEmbedding(12, 5)(torch.zeros(1, 1, 11))


def test_calendar_tokens_are_equal_for_equal_times():
    embed = CalendarEmbedding(5).double()
    hour = torch.arange(48, dtype=torch.float64)[None]
    steady = torch.ones_like(hour)
    token = embed(calendar_features(hour % 24 * 60, steady, steady, 365 * steady, steady))
    assert token.shape == (1, 48, 5)
    torch.testing.assert_close(token[:, 24:], token[:, :24])
    assert (token[:, 1:24] - token[:, :23]).abs().amax(-1).min() > 1e-6


def test_the_class_token_comes_first_and_is_learned_from_every_sequence():
    embed, x = ClassToken(5).double(), normal(3, 4, 5)
    with torch.no_grad():
        embed.token += 2.0
    out = embed(x)
    assert (out[:, 0] == 2).all()
    assert (out[:, 1:] == x).all()
    out.sum().backward()
    assert embed.token.grad.tolist() == [3.0] * 5
