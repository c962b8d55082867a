import pytest
import torch
from torch import nn

from labformer.shared.transformer.attention import causal_bias, hide
from labformer.shared.transformer.block import (
    AdaptiveBlock,
    CrossBlock,
    GatedResidual,
    PostNormBlock,
    PreNormBlock,
)
from labformer.shared.transformer.feedforward import FeedForward
from labformer.shared.transformer.multihead import CrossHead, MultiHead
from labformer.shared.transformer.normalisation import AdaptiveNorm

WIDTH, HEADS, HIDDEN = 12, 3, 20


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def double(*shape):
    return torch.randn(*shape, dtype=torch.float64)


def parts():
    return MultiHead(WIDTH, HEADS), FeedForward(WIDTH, HIDDEN), nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)


def torch_layer(ours, norm_first):
    """torch's own layer with the weights of `ours`."""
    layer = nn.TransformerEncoderLayer(WIDTH, HEADS, HIDDEN, 0.0, "gelu", batch_first=True, norm_first=norm_first)
    with torch.no_grad():
        for theirs, own in (
            (layer.linear1, ours.feed.rise),
            (layer.linear2, ours.feed.fall),
            (layer.self_attn.out_proj, ours.mix.to_out),
            (layer.norm1, ours.norm_mix),
            (layer.norm2, ours.norm_feed),
        ):
            theirs.load_state_dict(own.state_dict())
        layer.self_attn.in_proj_weight.copy_(ours.mix.to_qkv.weight)
        layer.self_attn.in_proj_bias.copy_(ours.mix.to_qkv.bias)
    return layer.double()


@pytest.mark.parametrize("kind", [PreNormBlock, PostNormBlock])
def test_both_placements_equal_torchs_layer_in_value_and_gradient(kind):
    block = kind(*parts()).double()
    for norm in (block.norm_mix, block.norm_feed):
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias)
    layer = torch_layer(block, norm_first=kind is PreNormBlock)
    x, bias = double(2, 5, WIDTH).requires_grad_(), causal_bias(5, 5, dtype=torch.float64)
    ours, theirs = block(x, bias=bias), layer(x, src_mask=bias)
    torch.testing.assert_close(ours, theirs)
    push = double(*ours.shape)
    torch.testing.assert_close(torch.autograd.grad(ours, x, push), torch.autograd.grad(theirs, x, push))


@pytest.mark.parametrize("kind", [PreNormBlock, PostNormBlock])
def test_a_block_run_in_pieces_with_a_cache_equals_the_whole(kind):
    block, x = kind(*parts()).double(), double(2, 6, WIDTH)
    first, cache = block.step(x[:, :4], bias=causal_bias(4, 4))
    second, _ = block.step(x[:, 4:], cache, bias=causal_bias(2, 6))
    torch.testing.assert_close(torch.cat([first, second], 1), block(x, bias=causal_bias(6, 6)))


def test_a_gate_that_is_closed_makes_the_block_the_identity_and_an_open_one_the_plain_block():
    made = parts()
    x = double(2, 5, WIDTH)
    closed = PreNormBlock(*made, add_mix=GatedResidual(WIDTH), add_feed=GatedResidual(WIDTH)).double()
    torch.testing.assert_close(closed(x), x, rtol=0, atol=0)
    opened = PreNormBlock(*made, add_mix=GatedResidual(WIDTH, 1.0), add_feed=GatedResidual(WIDTH, 1.0)).double()
    torch.testing.assert_close(opened(x), PreNormBlock(*made)(x))


def test_a_closed_gate_still_learns():
    block = PreNormBlock(*parts(), add_mix=GatedResidual(WIDTH), add_feed=GatedResidual(WIDTH))
    (block(torch.randn(2, 5, WIDTH)) * torch.randn(WIDTH)).sum().backward()
    assert (block.add_mix.gate.grad != 0).all() and (block.add_feed.gate.grad != 0).all()


def adaptive(condition=4):
    mix, feed = MultiHead(WIDTH, HEADS), FeedForward(WIDTH, HIDDEN)
    return AdaptiveBlock(mix, feed, AdaptiveNorm(WIDTH, condition), AdaptiveNorm(WIDTH, condition)).double()


def test_an_adaptive_block_starts_as_the_identity_and_then_follows_its_condition():
    block, x, condition = adaptive(), double(2, 5, WIDTH), double(2, 4)
    torch.testing.assert_close(block(x, condition=condition), x, rtol=0, atol=0)
    for norm in (block.norm_mix, block.norm_feed):
        nn.init.normal_(norm.to_modulation.weight, std=0.3)
    out = block(x, condition=condition)
    swapped = block(x, condition=condition.flip(0))
    assert not torch.allclose(out, x) and not torch.allclose(out, swapped)
    # a sequence answers to its own condition alone
    torch.testing.assert_close(block(x[:1], condition=condition[:1]), out[:1])


def test_an_adaptive_block_with_open_gates_and_no_modulation_is_the_plain_pre_norm_block():
    block, x = adaptive(), double(2, 5, WIDTH)
    for norm in (block.norm_mix, block.norm_feed):
        with torch.no_grad():
            norm.to_modulation.bias[2 * WIDTH :] = 1.0
    plain = PreNormBlock(block.mix, block.feed, nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)).double()
    torch.testing.assert_close(block(x, condition=double(2, 4)), plain(x))


def cross():
    norms = (nn.LayerNorm(WIDTH) for _ in range(3))
    block = CrossBlock(MultiHead(WIDTH, HEADS), CrossHead(WIDTH, HEADS), FeedForward(WIDTH, HIDDEN), *norms)
    return block.double()


def test_a_cross_block_equals_torchs_decoder_layer():
    block = cross()
    layer = nn.TransformerDecoderLayer(WIDTH, HEADS, HIDDEN, 0.0, "gelu", batch_first=True, norm_first=True).double()
    with torch.no_grad():
        for theirs, own in (
            (layer.linear1, block.feed.rise),
            (layer.linear2, block.feed.fall),
            (layer.self_attn.out_proj, block.mix.to_out),
            (layer.multihead_attn.out_proj, block.cross.to_out),
        ):
            theirs.load_state_dict(own.state_dict())
        layer.self_attn.in_proj_weight.copy_(block.mix.to_qkv.weight)
        layer.self_attn.in_proj_bias.copy_(block.mix.to_qkv.bias)
        layer.multihead_attn.in_proj_weight.copy_(torch.cat([block.cross.to_query.weight, block.cross.to_kv.weight]))
        layer.multihead_attn.in_proj_bias.copy_(torch.cat([block.cross.to_query.bias, block.cross.to_kv.bias]))
    x, context, bias = double(2, 4, WIDTH), double(2, 7, WIDTH), causal_bias(4, 4, dtype=torch.float64)
    torch.testing.assert_close(block(x, context, bias), layer(x, context, tgt_mask=bias))


def test_a_cross_block_does_not_look_at_hidden_context():
    block, x, context = cross(), double(2, 4, WIDTH), double(2, 7, WIDTH)
    bias = hide(torch.arange(7)[None] < 5)
    torch.testing.assert_close(block(x, context, context_bias=bias), block(x, context[:, :5]))


def test_dropout_falls_on_changes_and_only_in_training():
    block, x = PreNormBlock(*parts(), dropout=1.0), torch.randn(2, 5, WIDTH)
    assert torch.equal(block(x), x)
    assert not torch.allclose(block.eval()(x), x)


def test_a_name_that_the_mixing_part_does_not_know_is_refused():
    with pytest.raises(TypeError, match="biass"):
        PreNormBlock(*parts())(torch.randn(2, 5, WIDTH), biass=None)
