import math

import pytest
import torch
import torch.nn.functional as F

from labformer.shared.transformer.feedforward import FeedForward, GatedFeedForward, Wavelet


def normal(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def gelu_plainly(x):
    return x * (1 + torch.erf(x / math.sqrt(2))) / 2


def silu_plainly(x):
    return x / (1 + torch.exp(-x))


def feed_plainly(part, x):
    return gelu_plainly(x @ part.rise.weight.mT + part.rise.bias) @ part.fall.weight.mT + part.fall.bias


def gated_plainly(activation):
    def feed(part, x):
        gate, up = part.rise.weight[:9], part.rise.weight[9:]
        return (activation(x @ gate.mT) * (x @ up.mT)) @ part.fall.weight.mT

    return feed


@pytest.mark.parametrize(
    ("part", "plain"),
    [
        (FeedForward(6, 9), feed_plainly),
        (GatedFeedForward(6, 9), gated_plainly(silu_plainly)),
        (GatedFeedForward(6, 9, gate=F.gelu), gated_plainly(gelu_plainly)),
    ],
    ids=["GELU", "SwiGLU", "GEGLU"],
)
def test_every_feed_forward_agrees_with_its_formula_in_value_and_gradient(part, plain):
    part, x = part.double(), normal(2, 5, 6).requires_grad_()
    pair = part(x), plain(part, x)
    assert pair[0].shape == x.shape
    torch.testing.assert_close(*pair)
    inputs = [x, *part.parameters()]
    torch.testing.assert_close(*(torch.autograd.grad(y.square().sum(), inputs) for y in pair))


@pytest.mark.parametrize("build", [FeedForward, GatedFeedForward])
def test_tokens_do_not_meet_in_a_feed_forward(build):
    part, x = build(6, 9).double(), normal(2, 5, 6)
    changed = x.clone()
    changed[:, 2] += 1
    moved = (part(changed) - part(x)).abs().amax((0, 2))
    assert moved[2] > 1e-3
    assert moved[[0, 1, 3, 4]].max() < 1e-14


@pytest.mark.parametrize("build", [FeedForward, GatedFeedForward])
def test_dropout_falls_on_the_hidden_layer_while_training_and_never_after(build):
    part, x = build(6, 500, dropout=0.5).double(), normal(1, 6)
    torch.manual_seed(0)
    assert (part(x) - part(x)).abs().max() > 1e-6
    part.eval()
    assert (part(x) == part(x)).all()


def test_a_gated_feed_forward_at_two_thirds_of_the_width_is_as_large_as_a_plain_one():
    plain, gated = FeedForward(48, 192), GatedFeedForward(48, 128)
    assert sum(x.numel() for x in gated.parameters()) == plain.rise.weight.numel() + plain.fall.weight.numel()


def test_the_wavelet_activation_is_its_formula_and_learns_both_weights():
    wave, x = Wavelet().double(), normal(4, 5)
    torch.testing.assert_close(wave(x), math.sqrt(2) * torch.sin(x + math.pi / 4))  # both weights are 1 at the start
    wave.sine.data.fill_(0.3)
    wave.cosine.data.fill_(-2.0)
    out = wave(x)
    torch.testing.assert_close(out, 0.3 * x.sin() - 2 * x.cos())
    out.sum().backward()
    torch.testing.assert_close((wave.sine.grad, wave.cosine.grad), (x.sin().sum(), x.cos().sum()))


def test_a_learned_activation_is_a_parameter_of_its_feed_forward():
    part = FeedForward(6, 9, activation=Wavelet())
    assert {"activation.sine", "activation.cosine"} <= dict(part.named_parameters()).keys()
