import time
from functools import partial

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from labformer.shared.errors import InputError
from labformer.shared.transformer.attention import causal_bias, hide
from labformer.shared.transformer.linear_attention import (
    EPS,
    causal_flow_attend,
    causal_flow_attend_plainly,
    flow_attend,
    flow_attend_plainly,
    flows,
    gated_linear_attend,
    gated_linear_attend_recurrent,
)


def normal(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def value_and_gradient(mix, inputs):
    inputs = [x.clone().requires_grad_() for x in inputs]
    out = mix(*inputs)
    out = out if isinstance(out, tuple) else (out,)
    loss = sum((x * torch.linspace(-1, 2, x.numel(), dtype=x.dtype).reshape(x.shape)).sum() for x in out)
    return out, torch.autograd.grad(loss, inputs)


# Flow attention


@pytest.mark.parametrize("clamp", [True, False])
@pytest.mark.parametrize(("target", "source"), [(6, 6), (3, 8), (5, 2), (1, 1)])
def test_flow_attention_agrees_with_its_definition_in_value_and_gradient(target, source, clamp):
    inputs = [2 * normal(2, 3, size, 4, seed=size + i) for i, size in enumerate((target, source, source))]
    fast = value_and_gradient(partial(flow_attend, clamp=clamp), inputs)
    torch.testing.assert_close(fast, value_and_gradient(partial(flow_attend_plainly, clamp=clamp), inputs))


@pytest.mark.parametrize("clamp", [True, False])
@pytest.mark.parametrize("chunk", [1, 4, 64])
def test_causal_flow_attention_agrees_with_its_definition_in_value_and_gradient(chunk, clamp):
    inputs = 2 * normal(3, 2, 3, 10, 4)
    fast = value_and_gradient(partial(causal_flow_attend, clamp=clamp, chunk=chunk), inputs)
    torch.testing.assert_close(fast, value_and_gradient(partial(causal_flow_attend_plainly, clamp=clamp), inputs))


@pytest.mark.parametrize("mix", [flow_attend, causal_flow_attend])
@pytest.mark.parametrize("clamp", [True, False])
def test_equal_tokens_give_sigmoid_of_one_times_their_value(mix, clamp):
    query, key, value = (normal(1, 2, 1, 8, seed=seed).expand(1, 2, 70, 8) for seed in range(3))
    expected = torch.sigmoid(torch.ones(())).double() * value
    torch.testing.assert_close(mix(query, key, value, clamp=clamp), expected, rtol=100 * EPS, atol=0)


@pytest.mark.parametrize(("target", "source"), [(40, 40), (10, 70)])
def test_conserved_flows_sum_to_the_number_of_sinks_and_of_sources(target, source):
    query, key = normal(2, 3, target, 8).sigmoid(), normal(2, 3, source, 8, seed=1).sigmoid()
    flow = flows(query, key)
    outgoing, incoming = flow.conserved_outgoing.sum(-2), flow.conserved_incoming.sum(-2)
    torch.testing.assert_close(outgoing, torch.full_like(outgoing, target), rtol=100 * EPS, atol=0)
    torch.testing.assert_close(incoming, torch.full_like(incoming, source), rtol=100 * EPS, atol=0)


def test_causal_flow_attention_does_not_see_later_tokens():
    query, key, value = normal(3, 1, 2, 100, 4)
    before = causal_flow_attend(query, key, value)
    for x in (query, key, value):
        x[..., 70:, :] += 5
    after = causal_flow_attend(query, key, value)
    torch.testing.assert_close(after[..., :70, :], before[..., :70, :], rtol=1e-13, atol=1e-15)
    assert (after[..., 70:, :] - before[..., 70:, :]).abs().min() > 1e-9


def test_the_last_competition_of_the_causal_form_is_that_of_the_full_form_for_one_token():
    query, key, value = normal(3, 1, 2, 1, 4)
    torch.testing.assert_close(causal_flow_attend(query, key, value), flow_attend(query, key, value))


REAL = torch.tensor([[False, True, True, False, True, True, False], [True, False, False, True, True, True, False]])


def test_hidden_sources_of_flow_attention_are_as_good_as_absent():
    query, key, value = normal(2, 2, 5, 4), normal(2, 2, 7, 4, seed=1), normal(2, 2, 7, 4, seed=2)
    whole = flow_attend(query, key, value, hide(REAL))
    for i, real in enumerate(REAL):
        one = slice(i, i + 1)
        torch.testing.assert_close(whole[one], flow_attend(query[one], key[one][:, :, real], value[one][:, :, real]))


@pytest.mark.parametrize("mix", [partial(flow_attend, same_tokens=True), causal_flow_attend], ids=["full", "causal"])
@pytest.mark.parametrize("clamp", [True, False])
def test_padding_a_sequence_on_either_side_changes_nothing_and_pads_get_zeros(mix, clamp):
    inputs = normal(3, 2, 2, 7, 4)

    def padded(*inputs):
        return mix(*inputs, hide(REAL), clamp=clamp)

    (whole,), gradients = value_and_gradient(padded, inputs)
    assert whole.transpose(1, 2)[~REAL].abs().max() == 0
    assert all(x.transpose(1, 2)[~REAL].abs().max() == 0 for x in gradients)
    assert all(x.isfinite().all() for x in gradients)
    for i, real in enumerate(REAL):
        kept = [x[i : i + 1][:, :, real] for x in inputs]
        torch.testing.assert_close(whole[i : i + 1][:, :, real], mix(*kept, clamp=clamp))


@pytest.mark.parametrize("mix", [flow_attend, causal_flow_attend])
def test_a_sequence_with_nothing_real_gives_zeros_and_finite_gradients(mix):
    real = torch.tensor([[False] * 5, [True] * 5])
    (out,), gradients = value_and_gradient(lambda *x: mix(*x, hide(real)), normal(3, 2, 2, 5, 4, dtype=torch.float32))
    assert out[0].abs().max() == 0
    assert out[1].abs().min() > 0
    assert all(x.isfinite().all() for x in gradients)


@pytest.mark.parametrize("mix", [flow_attend, causal_flow_attend])
def test_extreme_tokens_stay_finite_in_single_precision(mix):
    inputs = 60 * normal(3, 1, 2, 200, 4, dtype=torch.float32)
    inputs[2] /= 60
    (out,), gradients = value_and_gradient(partial(mix, clamp=False), inputs)
    assert out.isfinite().all()
    assert all(x.isfinite().all() for x in gradients)


@pytest.mark.parametrize("mix", [flow_attend, causal_flow_attend])
@pytest.mark.parametrize("bias", [causal_bias(5, 5), torch.full((1, 1, 1, 5), 0.5), torch.zeros(2, 1, 5, 1)])
def test_flow_attention_refuses_a_bias_that_it_cannot_honour(mix, bias):
    with pytest.raises(InputError, match="0 or -inf for each source"):
        mix(*normal(3, 2, 2, 5, 4), bias)


def test_causal_flow_attention_refuses_more_sources_than_targets():
    with pytest.raises(InputError, match="2 targets and 5 sources"):
        causal_flow_attend(normal(1, 1, 2, 4), *normal(2, 1, 1, 5, 4))


# Gated linear attention


def gated(token, batch=2, head=3, channel=4, wide=5, strength=1.0):
    query, key, gate = normal(3, batch, head, token, channel)
    state = normal(batch, head, channel, wide, seed=2)
    return query, key, normal(batch, head, token, wide, seed=1), -strength * gate.exp(), state


@pytest.mark.parametrize("strength", [0.0, 1e-3, 1.0, 300.0])
@pytest.mark.parametrize(("token", "chunk"), [(1, 16), (16, 16), (21, 4), (37, 16), (5, 1)])
def test_the_chunked_form_agrees_with_the_recurrence_in_value_state_and_gradient(token, chunk, strength):
    inputs = gated(token, strength=strength)
    fast = value_and_gradient(partial(gated_linear_attend, chunk=chunk), inputs)
    torch.testing.assert_close(fast, value_and_gradient(gated_linear_attend_recurrent, inputs))
    without = value_and_gradient(partial(gated_linear_attend, chunk=chunk), inputs[:4])
    torch.testing.assert_close(without, value_and_gradient(gated_linear_attend_recurrent, inputs[:4]))


def test_a_gate_that_forgets_everything_starts_a_new_sequence_in_both_forms():
    *inputs, state = gated(20)
    inputs[3] = inputs[3].clone()
    inputs[3][:, :, 7] = -torch.inf
    fresh = gated_linear_attend(*(x[:, :, 7:] for x in inputs))
    for mix in (gated_linear_attend, gated_linear_attend_recurrent):
        (out, last), gradients = value_and_gradient(mix, [*inputs, state])
        torch.testing.assert_close((out[:, :, 7:], last), fresh)
        assert all(x.isfinite().all() for x in gradients)


def test_strong_and_weak_gates_side_by_side_stay_exact_in_single_precision():
    inputs = list(gated(64))
    inputs[3] = torch.where(normal(*inputs[3].shape, seed=5) > 0, -1e4, -1e-3).double()
    single = gated_linear_attend(*(x.float() for x in inputs))
    exact = gated_linear_attend_recurrent(*inputs)
    torch.testing.assert_close([x.double() for x in single], list(exact), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("mix", [gated_linear_attend, gated_linear_attend_recurrent])
def test_a_stream_cut_anywhere_equals_the_whole(mix):
    *inputs, state = gated(30)
    whole = mix(*inputs, state)
    rows = []
    for start, end in ((0, 1), (1, 18), (18, 30)):
        row, state = mix(*(x[:, :, start:end] for x in inputs), state)
        rows.append(row)
    torch.testing.assert_close((torch.cat(rows, 2), state), whole)


def test_a_padded_token_with_key_and_gate_zero_leaves_the_state_alone():
    *inputs, state = gated(9)
    _, last = gated_linear_attend(*inputs, state)
    query, key, value, gate = (torch.cat([x, torch.ones_like(x)], 2) for x in inputs)
    key[:, :, 9:] = 0
    gate[:, :, 9:] = 0
    torch.testing.assert_close(gated_linear_attend(query, key, value, gate, state)[1], last)


@pytest.mark.parametrize("chunk", [0, 12])
def test_a_chunk_that_is_no_power_of_two_is_refused(chunk):
    with pytest.raises(InputError, match="take a power of 2"):
        gated_linear_attend(*gated(3), chunk=chunk)


def test_open_gates_give_plain_causal_linear_attention():
    query, key, value, gate, _ = gated(12)
    expected = (query @ key.mT).tril() @ value
    torch.testing.assert_close(gated_linear_attend(query, key, value, 0 * gate, chunk=4)[0], expected)


# Cost


class Written(TorchDispatchMode):
    """Counts the numbers that operations write."""

    count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        out = function(*args, **(kwargs or {}))
        if isinstance(out, torch.Tensor) and out.untyped_storage().data_ptr() not in {
            x.untyped_storage().data_ptr() for x in args if isinstance(x, torch.Tensor)
        }:
            self.count += out.numel()
        return out


def gated_by_key(query, key, value):
    return gated_linear_attend(query, key, value, key)[0]


LINEAR = pytest.mark.parametrize("mix", [flow_attend, causal_flow_attend, gated_by_key])


@LINEAR
def test_doubling_the_tokens_doubles_what_is_written(mix):
    def written(token):
        inputs = [(-x.abs()).requires_grad_() for x in normal(3, 1, 2, token, 8)]
        with Written() as counter:
            mix(*inputs).sum().backward()
        return counter.count

    assert 1.9 < written(2048) / written(1024) < 2.1


def test_the_counter_of_written_numbers_sees_the_square_in_softmax_attention():
    def written(token):
        query = normal(1, 2, token, 8)
        with Written() as counter:
            (query @ query.mT).softmax(-1)
        return counter.count

    assert written(2048) / written(1024) > 3.9


@LINEAR
def test_doubling_the_tokens_twice_takes_about_four_times_as_long_and_not_sixteen(mix):
    def seconds(inputs):
        start = time.process_time()
        with torch.no_grad():
            mix(*inputs)
        return time.process_time() - start

    short, long = (-normal(3, 1, 2, token, 16, dtype=torch.float32).abs() for token in (4096, 16384))
    pairs = [(seconds(short), seconds(long)) for _ in range(8)]
    assert min(pair[1] for pair in pairs) < 8 * min(pair[0] for pair in pairs)
