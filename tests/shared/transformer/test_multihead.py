from functools import partial

import pytest
import torch

from labformer.shared.errors import InputError
from labformer.shared.transformer.attention import (
    attend,
    attend_plainly,
    causal_bias,
    hide,
    local_attend,
    sigmoid_attend,
)
from labformer.shared.transformer.linear_attention import flow_attend
from labformer.shared.transformer.multihead import CrossHead, DropoutAttention, MultiHead, ValueResidual
from labformer.shared.transformer.position import rotate

WIDTH, HEADS = 12, 3


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def double(*shape):
    return torch.randn(*shape, dtype=torch.float64)


def head_by_head(query, key, value, to_out, bias=None):
    """Attention of projected tokens (batch, token, width), one head after the other."""
    channel = WIDTH // HEADS
    mixed = []
    for head in range(HEADS):
        part = slice(head * channel, (head + 1) * channel)
        mixed.append(attend_plainly(*(x[:, None, :, part] for x in (query, key, value)), bias)[:, 0])
    return to_out(torch.cat(mixed, -1))


@pytest.mark.parametrize("bias", [None, causal_bias(5, 5, dtype=torch.float64)], ids=["full", "causal"])
def test_self_attention_agrees_with_attention_head_by_head_in_value_and_gradient(bias):
    layer, x = MultiHead(WIDTH, HEADS).double(), double(2, 5, WIDTH).requires_grad_()
    fast, slow = layer(x, bias), head_by_head(*layer.to_qkv(x).split(WIDTH, -1), layer.to_out, bias)
    torch.testing.assert_close(fast, slow)
    wanted = [x, *layer.parameters()]
    push = double(*fast.shape)
    torch.testing.assert_close(
        torch.autograd.grad(fast, wanted, push, retain_graph=True), torch.autograd.grad(slow, wanted, push)
    )


def test_cross_attention_agrees_with_attention_head_by_head_in_value_and_gradient():
    layer = CrossHead(WIDTH, HEADS).double()
    x, context = double(2, 3, WIDTH).requires_grad_(), double(2, 7, WIDTH).requires_grad_()
    fast, slow = (
        layer(x, context),
        head_by_head(layer.to_query(x), *layer.to_kv(context).split(WIDTH, -1), layer.to_out),
    )
    torch.testing.assert_close(fast, slow)
    wanted = [x, context, *layer.parameters()]
    push = double(*fast.shape)
    torch.testing.assert_close(
        torch.autograd.grad(fast, wanted, push, retain_graph=True), torch.autograd.grad(slow, wanted, push)
    )


def test_self_attention_is_torchs_when_its_weights_are_copied():
    ours, torchs = (
        MultiHead(WIDTH, HEADS).double(),
        torch.nn.MultiheadAttention(WIDTH, HEADS, batch_first=True).double(),
    )
    ours.to_qkv.weight.data, ours.to_qkv.bias.data = torchs.in_proj_weight.data, torchs.in_proj_bias.data
    ours.to_out.load_state_dict(torchs.out_proj.state_dict())
    x = double(2, 5, WIDTH)
    value, weight = torchs(x, x, x, average_attn_weights=False)
    torch.testing.assert_close(ours(x), value)
    torch.testing.assert_close(ours.weights(x), weight)


@pytest.mark.parametrize("position", [None, rotate], ids=["no position", "rotary"])
@pytest.mark.parametrize("pieces", [(1, 1, 1, 1, 1, 1), (4, 2), (1, 5)])
def test_causal_attention_in_pieces_with_a_cache_equals_the_whole(position, pieces):
    layer, x = MultiHead(WIDTH, HEADS, position=position).double(), double(2, 6, WIDTH)
    whole = layer(x, causal_bias(6, 6))
    cache, parts = None, []
    for piece in x.split(pieces, 1):
        seen = 0 if cache is None else cache.key.shape[-2]
        part, cache = layer.step(piece, cache, causal_bias(piece.shape[1], seen + piece.shape[1]))
        parts.append(part)
    torch.testing.assert_close(torch.cat(parts, 1), whole)


def test_a_step_leaves_the_cache_it_was_given_as_it_was():
    layer, x = MultiHead(WIDTH, HEADS).double(), double(2, 6, WIDTH)
    _, cache = layer.step(x[:, :4])
    key = cache.key.clone()
    _, grown = layer.step(x[:, 4:], cache)
    assert grown.value.shape[-2] == 6
    torch.testing.assert_close(cache.key, key, rtol=0, atol=0)


def test_rotary_attention_does_not_see_where_a_sequence_starts():
    layer, x = MultiHead(WIDTH, HEADS, position=rotate).double(), double(1, 5, WIDTH)
    late = MultiHead(WIDTH, HEADS, position=lambda x, offset: rotate(x, offset + 40)).double()
    late.load_state_dict(layer.state_dict())
    torch.testing.assert_close(late(x), layer(x))
    assert not torch.allclose(layer(x), layer(x.flip(1)).flip(1))


@pytest.mark.parametrize(
    "mixer",
    [attend, sigmoid_attend, flow_attend, partial(local_attend, span=1)],
    ids=["softmax", "sigmoid", "flow", "local"],
)
def test_attention_weights_times_values_are_what_attention_mixes(mixer):
    layer, x = MultiHead(WIDTH, HEADS, mixer).double(), double(2, 5, WIDTH)
    value = layer.to_qkv(x).split(WIDTH, -1)[2].unflatten(-1, (HEADS, -1)).transpose(1, 2)
    mixed = (layer.weights(x) @ value).transpose(1, 2).flatten(2)
    torch.testing.assert_close(layer.to_out(mixed), layer(x))


def test_cross_attention_weights_are_shares_of_the_sources_not_hidden():
    layer, x, context = CrossHead(WIDTH, HEADS).double(), double(2, 3, WIDTH), double(2, 4, WIDTH)
    weight = layer.weights(x, context, hide(torch.tensor([[True, True, True, False]])))
    assert weight.shape == (2, HEADS, 3, 4)
    torch.testing.assert_close(weight.sum(-1), torch.ones(2, HEADS, 3, dtype=torch.float64))
    assert (weight[..., :3] > 0).all() and (weight[..., 3] == 0).all()


def test_the_value_residual_blends_the_first_values_in_by_its_two_weights():
    layer, x = MultiHead(WIDTH, HEADS, value_residual=ValueResidual()).double(), double(2, 5, WIDTH)
    own = layer.to_qkv(x).split(WIDTH, -1)
    first = double(2, HEADS, 5, WIDTH // HEADS)
    blended = 0.5 * own[2] + 0.5 * first.transpose(1, 2).flatten(2)
    torch.testing.assert_close(layer(x, first=first), head_by_head(own[0], own[1], blended, layer.to_out))


def test_dropout_on_attention_weights_acts_in_training_alone_and_keeps_the_mean():
    query, key, value = torch.randn(3, 1, 1, 4, 8)
    mixer = DropoutAttention(0.25)
    mean = torch.stack([mixer(query, key, value) for _ in range(4000)]).mean(0)
    # each of 4000 draws deviates by sqrt(p/(1-p)) |w v| <= 0.58 * 3, so the mean by under 0.03; 5 of these deviations
    torch.testing.assert_close(mean, attend(query, key, value), rtol=0, atol=0.14)
    assert not torch.equal(mixer(query, key, value), mixer(query, key, value))
    torch.testing.assert_close(mixer.eval()(query, key, value), attend(query, key, value), rtol=0, atol=0)


def test_dropout_attention_inside_a_layer_is_switched_off_by_eval():
    layer, x = MultiHead(WIDTH, HEADS, DropoutAttention(0.5)).eval(), torch.randn(1, 4, WIDTH)
    assert torch.equal(layer(x), layer(x))
    assert not torch.equal(layer.train()(x), layer(x))


def test_what_does_not_fit_is_refused_with_a_way_out():
    with pytest.raises(InputError, match="multiple"):
        MultiHead(10, 3)
    x = torch.randn(1, 4, WIDTH)
    with pytest.raises(InputError, match="belong together"):
        MultiHead(WIDTH, HEADS)(x, first=torch.randn(1, HEADS, 4, WIDTH // HEADS))
    with pytest.raises(InputError, match="belong together"):
        MultiHead(WIDTH, HEADS, value_residual=ValueResidual())(x)
    with pytest.raises(InputError, match="no bias"):
        MultiHead(WIDTH, HEADS)(x, causal_bias(4, 4), lengths=(1, 3))
