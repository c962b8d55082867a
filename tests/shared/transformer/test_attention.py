from functools import partial

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from labformer.shared.errors import InputError
from labformer.shared.transformer.attention import (
    attend,
    attend_by_products,
    attend_causally,
    attend_plainly,
    causal_bias,
    hide,
    local_attend,
    local_attend_plainly,
    sigmoid_attend,
    sigmoid_attend_plainly,
)

INF = float("inf")
PAIRS = [
    (attend, attend_plainly),
    (sigmoid_attend, sigmoid_attend_plainly),
    *[
        (partial(local_attend, span=span, causal=causal), partial(local_attend_plainly, span=span, causal=causal))
        for span in (0, 3)
        for causal in (False, True)
    ],
]
NAMES = ["softmax", "sigmoid", *[f"local {span} {kind}" for span in (0, 3) for kind in ("both", "causal")]]


def tensors(target=7, source=7, batch=2, head=3, channel=4, seed=0):
    make = torch.Generator().manual_seed(seed)
    sizes = (target, source, source)
    return [torch.randn(batch, head, size, channel, dtype=torch.float64, generator=make) for size in sizes]


def biases(target, source):
    make = torch.Generator().manual_seed(1)
    real = torch.rand(2, source, generator=make) < 0.6
    real[0] = False  # a sequence in which nothing is real
    dense = torch.randn(1, 3, target, source, dtype=torch.float64, generator=make)
    return {
        "none": None,
        "causal": causal_bias(target, source, dtype=torch.float64),
        "hidden": hide(real, dtype=torch.float64),
        "dense": dense,
        "all": dense + hide(real) + causal_bias(target, source),
        "row": dense[:, :, :1],
        "column": dense[..., :1],
    }


def value_and_gradient(mix, inputs, bias):
    inputs = [x.clone().requires_grad_() for x in inputs]
    if bias is not None:
        inputs.append(bias.clone().requires_grad_())
    out = mix(*inputs)
    weight = torch.linspace(-1, 2, out.numel(), dtype=out.dtype).reshape(out.shape)
    return out, torch.autograd.grad((out * weight).sum(), inputs)


@pytest.mark.parametrize("bias", ["none", "causal", "hidden", "dense", "all", "row", "column"])
@pytest.mark.parametrize(("target", "source"), [(7, 7), (3, 9), (1, 5), (9, 4)])
@pytest.mark.parametrize(("fast", "plain"), PAIRS, ids=NAMES)
def test_every_mixer_agrees_with_its_plain_twin_in_value_and_gradient(fast, plain, target, source, bias):
    inputs = tensors(target, source)
    bias = biases(target, source)[bias]
    torch.testing.assert_close(value_and_gradient(fast, inputs, bias), value_and_gradient(plain, inputs, bias))


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(("target", "source", "span"), [(97, 97, 5), (70, 131, 40), (33, 200, 2), (64, 64, 500)])
def test_local_attention_over_several_blocks_agrees_with_the_band_of_all_pairs(target, source, span, causal):
    inputs = tensors(target, source, channel=2)
    real = torch.arange(source) % 3 != 1
    bias = hide(torch.stack([real, ~real]), dtype=torch.float64) + torch.sin(torch.arange(target).double())[:, None]
    span = {"span": span, "causal": causal}
    fast = value_and_gradient(partial(local_attend, **span), inputs, bias)
    torch.testing.assert_close(fast, value_and_gradient(partial(local_attend_plainly, **span), inputs, bias))


@pytest.mark.parametrize("fast", [pair[0] for pair in PAIRS], ids=NAMES)
def test_a_target_that_sees_nothing_gets_zeros_and_sends_no_gradient(fast):
    query, key, value = (x.requires_grad_() for x in tensors(5, 5))
    bias = torch.zeros(5, 5, dtype=torch.float64)
    bias[2] = -INF
    out = fast(query, key, value, bias)
    blind = torch.autograd.grad(out[:, :, 2].sum(), (query, key, value), retain_graph=True)
    assert out[:, :, 2].abs().max() == 0
    assert all(gradient.abs().max() == 0 for gradient in blind)
    assert all(gradient.isfinite().all() for gradient in torch.autograd.grad(out.sum(), (query, key, value)))
    assert out[:, :, 1].abs().min() > 0


@pytest.mark.parametrize("fast", [pair[0] for pair in PAIRS], ids=NAMES)
def test_hiding_sources_is_the_same_as_leaving_them_out(fast):
    query, key, value = tensors(4, 9)
    real = torch.tensor([[False] * 3 + [True] * 6] * 2)  # the oldest sources, so that positions stay
    whole = fast(query, key, value, hide(real, dtype=torch.float64))
    torch.testing.assert_close(whole, fast(query, key[:, :, 3:], value[:, :, 3:], None))


@pytest.mark.parametrize(
    "mix", [attend, sigmoid_attend, partial(local_attend, span=4, causal=True)], ids=["softmax", "sigmoid", "local"]
)
def test_causal_targets_ignore_the_future_and_a_cache_changes_nothing(mix):
    query, key, value = tensors(8, 8)
    whole = mix(query, key, value, causal_bias(8, 8))
    late_key, late_value = key.clone(), value.clone()
    late_key[:, :, 5:] += 3.0
    late_value[:, :, 5:] *= -2.0
    torch.testing.assert_close(mix(query, late_key, late_value, causal_bias(8, 8))[:, :, :5], whole[:, :, :5])
    stepped = mix(query[:, :, 5:7], key[:, :, :7], value[:, :, :7], causal_bias(2, 7))
    torch.testing.assert_close(stepped, whole[:, :, 5:7])


@pytest.mark.parametrize("bias", ["none", "causal", "dense", "row"])
@pytest.mark.parametrize(("target", "source"), [(7, 7), (3, 9)])
def test_attention_by_products_agrees_with_the_plain_one_up_to_its_second_derivative(target, source, bias):
    inputs, bias = tensors(target, source), biases(target, source)[bias]
    found = value_and_gradient(attend_by_products, inputs, bias)
    torch.testing.assert_close(found, value_and_gradient(attend_plainly, inputs, bias))
    small = [x[:1, :1, :3].clone().requires_grad_() for x in inputs]
    assert torch.autograd.gradgradcheck(attend_by_products, small)


def test_causal_attention_is_attention_under_the_causal_bias():
    query, key, value = tensors(4, 6)
    dense = biases(4, 6)["dense"]
    hidden = causal_bias(4, 6, dtype=torch.float64)
    torch.testing.assert_close(attend_causally(query, key, value), attend(query, key, value, hidden))
    torch.testing.assert_close(attend_causally(query, key, value, dense), attend(query, key, value, hidden + dense))


def test_a_causal_bias_aligns_the_last_target_with_the_last_source():
    assert causal_bias(2, 4).tolist() == [[0, 0, 0, -INF], [0, 0, 0, 0]]
    assert causal_bias(1, 3, dtype=torch.float64).dtype is torch.float64


def test_sigmoid_weights_of_neutral_scores_sum_to_about_one_however_many_sources_there_are():
    for source in (10, 1000):
        query, key, _ = tensors(3, source)
        total = sigmoid_attend(0 * query, key, torch.ones_like(key))
        torch.testing.assert_close(total, torch.full_like(total, source / (source + 1)))


def test_softmax_output_is_the_same_for_sources_in_any_order():
    query, key, value = tensors(4, 9)
    order = torch.randperm(9, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(attend(query, key[:, :, order], value[:, :, order]), attend(query, key, value))


def test_a_bias_may_have_another_precision_than_the_query():
    query, key, value = tensors()
    bias = hide(torch.arange(7).expand(2, 7) < 5)
    assert bias.dtype is torch.float32
    for mix in (attend, sigmoid_attend, partial(local_attend, span=2)):
        assert mix(query, key, value, bias).dtype is torch.float64


def test_the_work_of_local_attention_grows_with_tokens_times_span():
    def flops(token, span):
        query, key, value = (x.float() for x in tensors(token, token, batch=1, head=1))
        with (
            FlopCounterMode(display=False) as counter,
            torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH),
        ):
            local_attend(query, key, value, span=span)
        return counter.get_total_flops()

    assert flops(2048, 64) == 2 * flops(1024, 64) > 0
    assert flops(2048, 128) == 2 * flops(2048, 64)


def test_a_negative_span_is_refused():
    with pytest.raises(InputError, match="span=-1 is negative"):
        local_attend(*tensors(), span=-1)
