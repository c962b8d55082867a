import pytest
import torch
from torch import nn

from labformer.shared.errors import InputError
from labformer.shared.transformer.attention import causal_bias, hide
from labformer.shared.transformer.block import CrossBlock, PreNormBlock
from labformer.shared.transformer.feedforward import FeedForward
from labformer.shared.transformer.multihead import CrossHead, MultiHead, ValueResidual
from labformer.shared.transformer.position import rotate
from labformer.shared.transformer.stack import (
    Decoder,
    DepthAverage,
    Encoder,
    ValueResidualEncoder,
    gelu,
    plain_encoder,
)

WIDTH, HEADS, DEPTH, HIDDEN = 12, 3, 3, 20


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def double(*shape):
    return torch.randn(*shape, dtype=torch.float64)


def block(**options):
    mix = MultiHead(WIDTH, HEADS, **options)
    return PreNormBlock(mix, FeedForward(WIDTH, HIDDEN), nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH))


def plain(**options):
    return plain_encoder(WIDTH, HEADS, DEPTH, HIDDEN, **options).double()


def dense():
    encoder = Encoder([block() for _ in range(DEPTH)], nn.LayerNorm(WIDTH), DepthAverage(DEPTH)).double()
    for weight in encoder.average.weight:
        nn.init.normal_(weight)
    return encoder


def residual():
    blocks = [block(position=rotate), *(block(position=rotate, value_residual=ValueResidual()) for _ in range(2))]
    return ValueResidualEncoder(blocks, nn.LayerNorm(WIDTH)).double()


STACKS = {
    "plain": plain,
    "rotary": lambda: plain(position=rotate),
    "dense averages": dense,
    "value residual": residual,
}


def test_the_plain_encoder_is_torchs_when_its_weights_are_copied():
    encoder = plain()
    layer = nn.TransformerEncoderLayer(WIDTH, HEADS, HIDDEN, 0.0, "gelu", batch_first=True, norm_first=True)
    torchs = nn.TransformerEncoder(layer, DEPTH, nn.LayerNorm(WIDTH), enable_nested_tensor=False).double()
    with torch.no_grad():
        for own, theirs in zip(encoder.blocks, torchs.layers, strict=True):
            theirs.self_attn.in_proj_weight.copy_(own.mix.to_qkv.weight)
            theirs.self_attn.in_proj_bias.copy_(own.mix.to_qkv.bias)
            theirs.self_attn.out_proj.load_state_dict(own.mix.to_out.state_dict())
            theirs.linear1.load_state_dict(own.feed.rise.state_dict())
            theirs.linear2.load_state_dict(own.feed.fall.state_dict())
    x = double(2, 5, WIDTH)
    real = torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
    torch.testing.assert_close(encoder(x), torchs(x))
    hidden, theirs = encoder(x, bias=hide(real)), torchs(x, src_key_padding_mask=~real)
    torch.testing.assert_close(hidden[real], theirs[real])
    with torch.no_grad():
        torch.testing.assert_close(encoder.eval()(x), torchs.eval()(x))


def test_without_gradients_the_encoder_gives_the_same_and_leaves_its_input_alone():
    encoder, x = plain(), double(2, 5, WIDTH)
    kept, out = x.clone(), encoder(x)
    with torch.no_grad():
        torch.testing.assert_close(encoder(x), out, rtol=0, atol=0)
    torch.testing.assert_close(x, kept, rtol=0, atol=0)


def test_the_gelu_that_overwrites_is_the_exact_one():
    x = double(50)
    exact = 0.5 * x * (1 + torch.erf(x / 2**0.5))
    torch.testing.assert_close(gelu(x), exact)
    with torch.no_grad():
        torch.testing.assert_close(gelu(x.clone()), exact)


def test_without_positions_permuting_tokens_permutes_the_result():
    encoder, x, order = plain(), double(2, 7, WIDTH), torch.randperm(7)
    torch.testing.assert_close(encoder(x[:, order]), encoder(x)[:, order])
    assert not torch.allclose(plain(position=rotate)(x[:, order]), encoder(x)[:, order])


@pytest.mark.parametrize("make", STACKS.values(), ids=STACKS)
def test_under_a_causal_bias_the_future_changes_nothing_in_the_past(make):
    encoder, x = make(), double(2, 6, WIDTH)
    changed = torch.cat([x[:, :4], double(2, 2, WIDTH)], 1)
    past, other = (encoder(tokens, bias=causal_bias(6, 6))[:, :4] for tokens in (x, changed))
    torch.testing.assert_close(other, past, rtol=0, atol=1e-13)
    assert not torch.allclose(encoder(changed)[:, :4], encoder(x)[:, :4])


@pytest.mark.parametrize("make", STACKS.values(), ids=STACKS)
def test_with_a_cache_token_by_token_equals_the_uncached_pass(make):
    encoder, x = make(), double(2, 6, WIDTH)
    caches, parts = None, []
    for i, token in enumerate(x.split(1, 1)):
        part, caches = encoder.step(token, caches, bias=causal_bias(1, i + 1))
        parts.append(part)
    torch.testing.assert_close(torch.cat(parts, 1), encoder(x, bias=causal_bias(6, 6)))


def test_dense_averages_start_as_the_plain_stack_and_then_follow_their_formula():
    encoder, x = dense(), double(2, 5, WIDTH)
    seen, y = [x], x
    for i, layer in enumerate(encoder.blocks):
        seen.append(layer(y))
        y = sum(weight * output for weight, output in zip(encoder.average.weight[i], seen, strict=True))
    torch.testing.assert_close(encoder(x), encoder.norm(y))
    fresh = Encoder(encoder.blocks, encoder.norm, DepthAverage(DEPTH).double())
    torch.testing.assert_close(fresh(x), Encoder(encoder.blocks, encoder.norm)(x), rtol=0, atol=0)
    assert [len(weight) for weight in fresh.average.weight] == [2, 3, 4]


def test_the_value_residual_carries_the_first_values_to_every_later_block():
    encoder, x = residual(), double(2, 5, WIDTH)
    head, *tail = encoder.blocks
    first = head.mix.to_qkv(head.norm_mix(x)).split(WIDTH, -1)[2].unflatten(-1, (HEADS, -1)).transpose(1, 2)
    y = head(x)
    for layer in tail:
        y = layer(y, first=first)
    torch.testing.assert_close(encoder(x), encoder.norm(y))
    for layer in tail:  # with all weight on a block's own values it is the plain stack
        nn.init.ones_(layer.mix.value_residual.own)
        nn.init.zeros_(layer.mix.value_residual.first)
    stripped = Encoder([block(position=rotate) for _ in range(DEPTH)], encoder.norm).double()
    stripped.load_state_dict(encoder.state_dict(), strict=False)
    torch.testing.assert_close(encoder(x), stripped(x))


def test_a_stack_of_layers_without_a_value_residual_says_so():
    encoder = ValueResidualEncoder([block(), block()])
    with pytest.raises(InputError, match="value_residual"):
        encoder(torch.randn(1, 3, WIDTH))


def decoder(position=None):
    return Decoder(
        [
            CrossBlock(
                MultiHead(WIDTH, HEADS, position=position),
                CrossHead(WIDTH, HEADS, position=position),
                FeedForward(WIDTH, HIDDEN),
                *(nn.LayerNorm(WIDTH) for _ in range(3)),
            )
            for _ in range(DEPTH)
        ],
        nn.LayerNorm(WIDTH),
    ).double()


@pytest.mark.parametrize("position", [None, rotate], ids=["no position", "rotary"])
def test_a_decoder_with_caches_equals_the_uncached_pass_with_its_context_read_once(position):
    stack, x, context = decoder(position), double(2, 5, WIDTH), double(2, 7, WIDTH)
    hidden = hide(torch.arange(7) < torch.tensor([[7], [4]]), dtype=torch.float64)
    whole = stack(x, context, causal_bias(5, 5), hidden)
    memories, caches, parts = stack.read(context), None, []
    for i, token in enumerate(x.split(1, 1)):
        part, caches = stack.step(token, memories, caches, causal_bias(1, i + 1), hidden)
        parts.append(part)
    torch.testing.assert_close(torch.cat(parts, 1), whole)


def test_a_decoder_is_causal_in_its_targets_and_sees_the_whole_context():
    stack, x, context = decoder(), double(1, 5, WIDTH), double(1, 7, WIDTH).requires_grad_()
    x.requires_grad_()
    out = stack(x, context, causal_bias(5, 5, dtype=torch.float64))[:, 2].square().sum()
    by_target, by_context = torch.autograd.grad(out, [x, context])
    assert (by_target[:, 3:] == 0).all() and (by_target[:, :3] != 0).any(-1).all()
    assert (by_context != 0).any(-1).all()
