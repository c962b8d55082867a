import pytest
import torch

from labformer.domains.nilm.models.dropping import CachedDropoutAttention, Dropout, Dropped, kept
from labformer.domains.nilm.models.nilmformer import itself_hidden
from labformer.shared.transformer.attention import attend_plainly


@pytest.mark.parametrize("tokens", [2, 9, 300])
def test_attention_in_pieces_is_attention_with_its_weights_multiplied_in_value_and_gradient(tokens: int) -> None:
    torch.manual_seed(0)
    query, key, value = (torch.randn(5, tokens, 3, dtype=torch.float64, requires_grad=True) for _ in range(3))
    starts = [0, 7, 3, 7, 1]
    pool = kept(tokens**2 + 7, 0.3, query)
    factors = torch.stack([pool[start : start + tokens**2].view(tokens, tokens) for start in starts])
    bias = itself_hidden(tokens).double()
    weights = ((query @ key.mT) / 3**0.5 + bias).softmax(-1) * factors
    found = Dropped.apply(query, key, value, bias, pool, starts)
    torch.testing.assert_close(found, weights @ value)
    slope = torch.randn_like(found)
    for one, other in zip(
        torch.autograd.grad(found, (query, key, value), slope),
        torch.autograd.grad(weights @ value, (query, key, value), slope),
        strict=True,
    ):
        torch.testing.assert_close(one, other)


def test_dropped_weights_leave_the_mean_of_attention_where_it_was() -> None:
    torch.manual_seed(0)
    query, key, value = (torch.randn(1, 2, 6, 4) for _ in range(3))
    mixer, bias = CachedDropoutAttention(0.2).train(), itself_hidden(6)
    mean = torch.stack([mixer(query, key, value, bias) for _ in range(2000)]).mean(0)
    torch.testing.assert_close(mean, attend_plainly(query, key, value, bias), atol=0.07, rtol=0)
    torch.testing.assert_close(mixer.eval()(query, key, value, bias), attend_plainly(query, key, value, bias))


@pytest.mark.parametrize("dropout", [0.1, 0.2, 0.5])
def test_elements_are_dropped_as_often_as_asked_and_the_mean_stays(dropout: float) -> None:
    torch.manual_seed(1)
    out = Dropout(dropout).train()(torch.ones(200, 1001))
    assert (out == 0).float().mean().item() == pytest.approx(dropout, abs=0.005)
    assert out.mean().item() == pytest.approx(1, abs=0.005) and len(out.unique()) == 2
    columns = (out == 0).float()
    assert abs(torch.corrcoef(torch.stack([columns[:, :-8].flatten(), columns[:, 8:].flatten()]))[0, 1]) < 0.01


def test_nothing_is_dropped_when_answering_or_at_zero() -> None:
    x = torch.randn(3, 5)
    assert Dropout(0.5).eval()(x) is x and Dropout(0.0).train()(x) is x


def test_the_same_stream_drops_the_same() -> None:
    torch.manual_seed(2)
    first = kept(1001, 0.2, torch.empty(0))
    torch.manual_seed(2)
    assert torch.equal(first, kept(1001, 0.2, torch.empty(0)))
