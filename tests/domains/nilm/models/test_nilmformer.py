from dataclasses import replace

import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from labformer.domains.nilm.models.nilmformer import (
    PUBLISHED,
    SMALL,
    NILMFormer,
    NILMFormerConfig,
    calendar_channels,
    calendar_codes,
    calendar_waves,
    itself_hidden,
)

TINY = NILMFormerConfig(width=16, depth=2, heads=2)


def made(config: NILMFormerConfig = TINY, seed: int = 0) -> NILMFormer:
    """A network in double precision whose running statistics are not the ones it began with."""
    torch.manual_seed(seed)
    model = NILMFormer(config).double()
    model.train()
    with torch.no_grad():
        for _ in range(3):
            model(*window())
    return model.eval()


def window(batch: int = 2, time: int = 20, seed: int = 1) -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(seed)
    return tuple(torch.rand(batch, channel, time, generator=draw, dtype=torch.float64) for channel in (1, 8))  # type: ignore[return-value]


def plainly(model: NILMFormer, mains: Tensor, calendar: Tensor) -> Tensor:
    """The powers step by step, as the paper numbers them, with a softmax that leaves each token itself out."""
    mean, variance = mains.mean(-1, keepdim=True), mains.var(-1, unbiased=False, keepdim=True)
    sigma = (variance + 1e-6).sqrt()
    x = (mains - mean) / sigma
    for unit in model.shape:
        conv = F.conv1d(F.pad(x, (unit.conv.dilation[0],) * 2), *unit.conv.parameters(), dilation=unit.conv.dilation)
        x = x + unit.norm(F.gelu(conv))
    clock = torch.einsum("oc,bct->bot", model.clock.weight[..., 0], calendar) + model.clock.bias[:, None]
    token = torch.cat([mean, sigma], -1) @ model.to_token.weight.T + model.to_token.bias
    x = torch.cat([torch.cat([x, clock], 1).mT, token], 1)
    for block in model.blocks:
        x = block.norm_mix(x)
        heads = block.mix.to_qkv.weight.chunk(3)
        query, key, value = ((x @ w.T).unflatten(-1, (block.mix.heads, -1)).transpose(1, 2) for w in heads)
        score = (query @ key.mT / query.shape[-1] ** 0.5).exp()
        score = score - torch.diag_embed(score.diagonal(dim1=-2, dim2=-1))
        mixed = (score / score.sum(-1, keepdim=True)) @ value
        x = x + mixed.transpose(1, 2).flatten(2) @ block.mix.to_out.weight.T
        x = block.norm_feed(x)
        x = x + block.feed.fall(F.gelu(block.feed.rise(x)))
    x = model.norm(x)[:, :-1].mT
    out = F.conv1d(F.pad(x, (1, 1), mode="replicate"), model.head.weight, model.head.bias)
    centre, scale = (token @ model.to_statistics.weight.T + model.to_statistics.bias).split(1, -1)
    return out[:, : model.config.outputs] * scale + centre


@pytest.mark.parametrize("time", [5, 33])
def test_the_network_is_the_paper_step_by_step(time: int) -> None:
    model = made(replace(TINY, outputs=2))
    torch.testing.assert_close(model(*window(time=time)).power, plainly(model, *window(time=time)))


def test_the_published_size_has_the_published_parameters_in_every_part() -> None:
    model = NILMFormer(PUBLISHED)
    parts = {name: sum(weight.numel() for weight in part.parameters()) for name, part in model.named_children()}
    assert parts == {
        "shape": 47_736,
        "clock": 216,
        "to_token": 288,
        "blocks": 3 * 111_456,
        "norm": 192,
        "head": 289,
        "to_statistics": 194,
    }
    assert sum(parts.values()) == 383_283
    assert sum(weight.numel() for weight in NILMFormer(SMALL).parameters()) < 383_283 / 5


@pytest.mark.parametrize("time", [1, 2, 17, 256])
def test_any_length_goes_in_and_as_many_powers_come_out(time: int) -> None:
    answer = made(replace(TINY, outputs=3, states=True))(*window(time=time))
    assert answer.power.shape == answer.logits.shape == (2, 3, time)
    assert made()(*window(time=time)).logits is None


def test_no_token_attends_to_itself_whatever_the_weights() -> None:
    model = made()
    x = torch.randn(2, 12, 16, dtype=torch.float64)
    for block in model.blocks:
        weights = block.mix.weights(x, itself_hidden(12))
        assert torch.equal(weights.diagonal(dim1=-2, dim2=-1), torch.zeros(2, 2, 12, dtype=torch.float64))
        torch.testing.assert_close(weights.sum(-1), torch.ones(2, 2, 12, dtype=torch.float64))
        value = x.clone()
        value[:, 5] += 100.0  # a token's own value reaches the others and not itself
        query, key, given = block.mix._split(block.mix.to_qkv(x), 3)
        changed = given + torch.zeros_like(given).index_fill_(2, torch.tensor(5), 7.0)
        apart = block.mix.mixer(query, key, changed, itself_hidden(12)) - block.mix.mixer(
            query, key, given, itself_hidden(12)
        )
        assert apart[:, :, 5].abs().max() < 1e-12 < apart[:, :, 4].abs().min()


def test_the_token_of_the_statistics_is_seen_by_the_encoder_and_by_the_way_back() -> None:
    model, gradients = made(), {}
    for cut in ("nothing", "encoder", "way back"):
        hooks = [
            model.to_statistics.register_forward_pre_hook(lambda _, x: (x[0].detach(),) if cut == "way back" else None),  # noqa: B023
            model.blocks[0].register_forward_pre_hook(lambda _, x: (x[0].detach(), x[1]) if cut == "encoder" else None),  # noqa: B023
        ]
        model.zero_grad()
        model(*window()).power.sum().backward()
        gradients[cut] = model.to_token.weight.grad.clone()
        for hook in hooks:
            hook.remove()
    assert gradients["encoder"].any() and gradients["way back"].any()
    torch.testing.assert_close(gradients["nothing"], gradients["encoder"] + gradients["way back"])


def test_a_window_turned_round_with_its_clock_gives_the_answer_turned_round() -> None:
    """No position but the clock's: with pointwise convolutions, turning a window round turns its answer round."""
    model = made(replace(TINY, kernel=1, dilations=(1, 1)))
    with torch.no_grad():
        model.head.weight[..., 0] = model.head.weight[..., 2]
    mains, calendar = window()
    torch.testing.assert_close(model(mains.flip(-1), calendar.flip(-1)).power, model(mains, calendar).power.flip(-1))
    assert (model(mains.flip(-1), calendar).power - model(mains, calendar).power.flip(-1)).abs().max() > 1e-6


def test_powers_are_not_held_to_any_range() -> None:
    model = made()
    with torch.no_grad():
        model.to_statistics.weight.zero_()
        model.to_statistics.bias.copy_(torch.tensor([-3.0, 0.0]))
    assert torch.equal(model(*window()).power, torch.full((2, 1, 20), -3.0, dtype=torch.float64))


def test_a_flat_window_is_answered_with_numbers() -> None:
    mains, calendar = window()
    assert made()(torch.full_like(mains, 0.3), calendar).power.isfinite().all()


def test_linear_maps_start_glorot_uniform_each_matrix_for_itself() -> None:
    torch.manual_seed(0)
    block = NILMFormer(PUBLISHED).blocks[0]
    for matrix, fans in (
        *((part, 192) for part in block.mix.to_qkv.weight.chunk(3)),
        (block.mix.to_out.weight, 192),
        (block.feed.rise.weight, 480),
    ):
        bound = (6 / fans) ** 0.5
        assert 0.99 * bound < matrix.abs().max() <= bound
    assert not block.feed.rise.bias.any() and block.mix.to_qkv.bias is None


def test_the_clock_goes_round_without_a_jump_and_knows_every_part() -> None:
    times = pd.date_range("2013-12-31 23:58", periods=4, freq="min")
    channels = calendar_channels(times).double()
    angle = 2 * torch.pi * torch.tensor([[58, 23, 1, 12], [0, 0, 2, 1]]) / torch.tensor([60, 24, 7, 12])
    expected = torch.stack([angle.sin(), angle.cos()], -1).flatten(1)  # minute, hour, day, month; sine first
    torch.testing.assert_close(channels[:, [0, 2]].T, expected.double(), atol=1e-6, rtol=0)
    torch.testing.assert_close(channels[0::2] ** 2 + channels[1::2] ** 2, torch.ones(4, 4).double())
    week = calendar_codes(pd.date_range("2014-03-03", periods=7, freq="D"))
    assert week[2].tolist() == list(range(7))
    torch.testing.assert_close(calendar_waves(calendar_codes(times).expand(2, -1, -1))[1], calendar_channels(times))


@pytest.mark.parametrize(
    "wrong", [{"width": 10}, {"width": 96, "heads": 7}, {"depth": 0}, {"dropout": 1.0}, {"kernel": 2}]
)
def test_a_size_that_cannot_be_built_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=str(next(iter(wrong)))):
        NILMFormerConfig(**wrong)  # type: ignore[arg-type]
