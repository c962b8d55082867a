"""Mixing functions whose cost grows with the number of tokens, not with its square: flow attention, gated linear."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import InputError

EPS = 1e-6  # keeps a flow of 0 apart from a division by 0


class Flows(NamedTuple):
    """The flows between sinks (targets) and sources of flow attention, each (batch, head, target or source, 1)."""

    incoming: Tensor  # I, of each sink
    conserved_incoming: Tensor  # of each sink when every source sends 1 in all; their sum is the number of sources
    conserved_outgoing: Tensor  # of each source when every sink takes 1 in all; their sum is the number of sinks


def flow_attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    bias: Tensor | None = None,
    *,
    clamp: bool = True,
    same_tokens: bool = False,
) -> Tensor:
    """Mix values by flow attention: sources compete for what the sinks take (Wu et al. 2022, Flowformer).

    query  (batch, head, target, channel), the sinks, before the sigmoid; no scaling by the width
    key    (batch, head, source, channel), before the sigmoid
    value  (batch, head, source, channel)
    bias   broadcastable to (batch, head, 1, source), 0 for a source, -inf for a hidden one and nothing else: there are
           no scores of pairs that a bias could be added to. Raises InputError otherwise
    ->     (batch, head, target, channel); zeros where every source is hidden
    clamp        bounds the competition of sources to [-1, 1] (the published time-series classifier goes without)
    same_tokens  sinks and sources are the same tokens, so a hidden source is no sink either, and gets zeros: then
                 padding changes nothing. Without it every target takes its share, padded or not; so leave it False
                 for cross-attention and set it (functools.partial) for self-attention over padded sequences
    """
    real = _real(key, bias)
    sink = real if same_tokens and real is not None else torch.ones_like(query[..., :1])
    source = torch.ones_like(key[..., :1]) if real is None else real
    query, key, value = query.sigmoid() * sink, key.sigmoid() * source, value * source
    flow = flows(query, key)
    sinks, sources = sink.sum(-2, keepdim=True), source.sum(-2, keepdim=True)
    outgoing = flow.conserved_outgoing.clamp(-1, 1) if clamp else flow.conserved_outgoing
    if real is not None:
        outgoing = outgoing.masked_fill(real == 0, torch.finfo(outgoing.dtype).min)
    competing = sources * outgoing.softmax(-2)
    taken = torch.sigmoid(flow.conserved_incoming * sinks / sources.clamp(min=1))
    return taken * ((query / flow.incoming) @ (key.mT @ (competing * value)))


def flows(query: Tensor, key: Tensor) -> Flows:
    """Incoming flow, and both flows after conservation, of non-negative queries and keys (..., token, channel).

    A token whose query or key is 0 takes no part in the flows of others.
    """
    incoming = _meet(query, key.sum(-2, keepdim=True))
    outgoing = _meet(key, query.sum(-2, keepdim=True))
    conserved_incoming = _meet(query, (key / outgoing).sum(-2, keepdim=True))
    conserved_outgoing = _meet(key, (query / incoming).sum(-2, keepdim=True))
    return Flows(incoming, conserved_incoming, conserved_outgoing)


def causal_flow_attend(
    query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None = None, *, clamp: bool = True, chunk: int = 64
) -> Tensor:
    """`flow_attend` in which a token sees itself and those before it: every sum runs along the tokens.

    Shapes and bias as in `flow_attend`, with target = source (InputError otherwise); sinks and sources are the same
    tokens, and what is hidden takes no part. Where the full form holds the conserved sums against n and m, this one
    takes their mean over the tokens so far. Products of keys and values are formed for each `chunk` of tokens only:
    for each token they would fill token x channel^2 numbers.
    """
    if query.shape[-2] != key.shape[-2]:
        raise InputError(
            f"causal flow attention needs one source a target, got {query.shape[-2]} targets and {key.shape[-2]} "
            "sources; a cache of keys and values is not enough for it, pass all tokens."
        )
    real = _real(key, bias)
    query, key = query.sigmoid(), key.sigmoid()
    if real is not None:
        query, key, value = query * real, key * real, value * real
    count = (torch.ones_like(key[..., :1]) if real is None else real).cumsum(-2).clamp(min=1)
    incoming = _meet(query, key.cumsum(-2))
    outgoing = _meet(key, query.cumsum(-2))
    conserved_incoming = _meet(query, (key / outgoing * count).cumsum(-2)) / count
    conserved_outgoing = _meet(key, (query / incoming * count).cumsum(-2)) / count
    if clamp:
        conserved_outgoing = conserved_outgoing.clamp(-1, 1)
    if real is not None:
        conserved_outgoing = conserved_outgoing.masked_fill(real == 0, torch.finfo(key.dtype).min / 2)
    competing = count * torch.exp(conserved_outgoing - conserved_outgoing.logcumsumexp(-2))
    return conserved_incoming.sigmoid() * _mix_causally(query / incoming, key, competing * value, chunk)


def flow_attend_plainly(query: Tensor, key: Tensor, value: Tensor, *, clamp: bool = True) -> Tensor:
    """What `flow_attend` computes, sink by sink and source by source."""
    q, k, v = query.sigmoid().unbind(-2), key.sigmoid().unbind(-2), value.unbind(-2)
    n, m = len(q), len(k)
    incoming = [_meet(q_i, _total(k)) for q_i in q]
    outgoing = [_meet(k_j, _total(q)) for k_j in k]
    fed = [q_i / flow for q_i, flow in zip(q, incoming, strict=True)]
    sent = [k_j / flow for k_j, flow in zip(k, outgoing, strict=True)]
    conserved = [_meet(k_j, _total(fed)) for k_j in k]
    force = [(flow.clamp(-1, 1) if clamp else flow).exp() for flow in conserved]
    competing = [m * force[j] / _total(force) * v[j] for j in range(m)]
    rows = [_total([(fed_i * k[j]).sum(-1, keepdim=True) * competing[j] for j in range(m)]) for fed_i in fed]
    return torch.stack([torch.sigmoid(_meet(q[i], _total(sent)) * n / m) * rows[i] for i in range(n)], -2)


def causal_flow_attend_plainly(query: Tensor, key: Tensor, value: Tensor, *, clamp: bool = True) -> Tensor:
    """What `causal_flow_attend` computes, token by token; position t counts from 1."""
    q, k, v = query.sigmoid().unbind(-2), key.sigmoid().unbind(-2), value.unbind(-2)
    fed: list[Tensor] = []  # q / I
    sent: list[Tensor] = []  # k / O
    force: list[Tensor] = []  # exp of the conserved outgoing flow
    rows = []
    for t in range(1, len(q) + 1):
        fed.append(q[t - 1] / _meet(q[t - 1], _total(k[:t])))
        sent.append(k[t - 1] / _meet(k[t - 1], _total(q[:t])))
        taken = _meet(q[t - 1], _total([s * sent[s - 1] for s in range(1, t + 1)])) / t
        conserved = _meet(k[t - 1], _total([s * fed[s - 1] for s in range(1, t + 1)])) / t
        force.append((conserved.clamp(-1, 1) if clamp else conserved).exp())
        competing = [(s + 1) * force[s] / _total(force[: s + 1]) * v[s] for s in range(t)]
        rows.append(taken.sigmoid() * _total([(fed[-1] * k[s]).sum(-1, keepdim=True) * competing[s] for s in range(t)]))
    return torch.stack(rows, -2)


def gated_linear_attend(
    query: Tensor, key: Tensor, value: Tensor, gate_log: Tensor, state: Tensor | None = None, *, chunk: int = 32
) -> tuple[Tensor, Tensor]:
    """Gated linear attention, a chunk of tokens at a time (Yang et al. 2023, arXiv:2312.06635, section 4).

    S_t = diag(alpha_t) S_(t-1) + k_t^T v_t and o_t = q_t S_t, with alpha_t = exp(gate_log_t).

    query, key  (batch, head, token, channel)
    value       (batch, head, token, value channel)
    gate_log    (batch, head, token, channel), 0 or less; -inf forgets all that was before
    state       (batch, head, channel, value channel), S before the first token; zeros when None
    ->          (batch, head, token, value channel) and S after the last token: with it a stream equals the whole
    A padded token with key 0 and gate_log 0 leaves the state as it is. `chunk` is a power of 2, else InputError.
    """
    if chunk < 1 or chunk & (chunk - 1):
        raise InputError(f"chunk={chunk} cannot be halved down to 1; take a power of 2, such as 32.")
    token = query.shape[-2]
    query, key, value, gate_log = (_cut(x, chunk) for x in (query, key, value, gate_log))
    gain = (key * _decay_until_end(gate_log)).mT @ value  # what a chunk adds to the state at its end
    since = _decay_since_start(gate_log)
    state = torch.zeros_like(gain[:, :, 0]) if state is None else state
    before = []
    for kept, gained in zip(since[..., -1, :, None].unbind(2), gain.unbind(2), strict=True):
        before.append(state)
        state = torch.addcmul(gained, kept, state)
    mixed = (query * since) @ torch.stack(before, 2) + _mix_gated(query, key, value, gate_log)
    return mixed.flatten(2, 3)[:, :, :token], state


def _mix_gated(query: Tensor, key: Tensor, value: Tensor, gate_log: Tensor) -> Tensor:
    """The part of a chunk's result that comes from the chunk itself; (..., chunk, channel) four times -> same.

    A chunk is halved again and again. Each target of a right half meets each source of the left half through the decay
    from the source to the middle and that from the middle to the target: both are at most 1 and are sums of gates, so
    that neither the strongest gate overflows nor differences of large sums lose the weak ones.
    """
    out = (query * key).sum(-1, keepdim=True) * value
    half = 1
    while half < query.shape[-2]:
        left, right = zip(*(_halves(x, half) for x in (query, key, value, gate_log)), strict=True)
        score = (right[0] * _decay_since_start(right[3])) @ (left[1] * _decay_until_end(left[3])).mT
        out = out + F.pad((score @ left[2]).unsqueeze(-3), (0, 0, 0, 0, 1, 0)).reshape(out.shape)
        half *= 2
    return out


def _halves(x: Tensor, half: int) -> tuple[Tensor, Tensor]:
    """(..., chunk, channel) -> left and right halves of its blocks of 2 half, (..., blocks, half, channel)."""
    left, right = x.reshape(*x.shape[:-2], -1, 2, half, x.shape[-1]).unbind(-3)
    return left, right


def _decay_since_start(gate_log: Tensor) -> Tensor:
    """What is left at each token of the state before the block; (..., block, channel) -> same."""
    return gate_log.cumsum(-2).exp()


def _decay_until_end(gate_log: Tensor) -> Tensor:
    """What is left of each token's gain at the end of the block; (..., block, channel) -> same."""
    return F.pad(gate_log[..., 1:, :], (0, 0, 0, 1)).flip(-2).cumsum(-2).flip(-2).exp()


def gated_linear_attend_recurrent(
    query: Tensor, key: Tensor, value: Tensor, gate_log: Tensor, state: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """What `gated_linear_attend` computes, token by token; the form for a stream."""
    if state is None:
        state = key.new_zeros(*key.shape[:2], key.shape[-1], value.shape[-1])
    rows = []
    for t in range(query.shape[-2]):
        state = gate_log[..., t, :, None].exp() * state + key[..., t, :, None] * value[..., t, None, :]
        rows.append((query[..., t, None, :] @ state).squeeze(-2))
    return torch.stack(rows, -2), state


def _total(parts: Sequence[Tensor]) -> Tensor:
    return torch.stack(list(parts)).sum(0)


def _meet(part: Tensor, total: Tensor) -> Tensor:
    """The flow between each token and all of the other side; (..., channel) twice -> (..., 1)."""
    return ((part + EPS) * (total + EPS)).sum(-1, keepdim=True)


def _real(key: Tensor, bias: Tensor | None) -> Tensor | None:
    """1 where a source is real and 0 where the bias hides it, (batch or 1, head or 1, source, 1)."""
    if bias is None:
        return None
    hidden = bias.isneginf()
    if (bias.dim() > 1 and bias.shape[-2] != 1) or not bool((hidden | (bias == 0)).all()):
        raise InputError(
            f"flow attention takes a bias of 0 or -inf for each source, (batch, 1, 1, source), not {tuple(bias.shape)} "
            "with other values or a row for each target; use `hide(real)`, or softmax attention."
        )
    hidden = hidden[(None,) * (4 - bias.dim())].expand(-1, -1, 1, key.shape[-2])
    return (~hidden).to(key.dtype).mT


def _cut(x: Tensor, chunk: int) -> Tensor:
    """(batch, head, token, channel) -> (batch, head, chunks, chunk, channel), zeros after the last token."""
    return F.pad(x, (0, 0, 0, -x.shape[-2] % chunk)).reshape(*x.shape[:2], -1, chunk, x.shape[-1])


def _mix_causally(query: Tensor, key: Tensor, value: Tensor, chunk: int) -> Tensor:
    """query_t . sum over s up to t of key_s^T value_s; (batch, head, token, channel) thrice -> same."""
    token = query.shape[-2]
    query, key, value = (_cut(x, chunk) for x in (query, key, value))
    gain = key.mT @ value
    before = F.pad(gain, (0, 0, 0, 0, 1, 0))[:, :, :-1].cumsum(2)
    return ((query @ key.mT).tril() @ value + query @ before).flatten(2, 3)[:, :, :token]
