import pytest
import torch

from labformer.shared.errors import InputError
from labformer.shared.transformer.lowrank import LowRankLinear, adapt, merge
from labformer.shared.transformer.stack import plain_encoder

CHOSEN = ("to_qkv", "rise")


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def encoder():
    return plain_encoder(12, 3, 2, 20).double()


def adapted(rank=2):
    model = encoder()
    adapt(model, CHOSEN, rank, generator=torch.Generator().manual_seed(0))
    return model


def trained(model):
    """Any change of what trains: the low-rank factors filled with numbers."""
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.normal_()
    return model


def tokens():
    return torch.randn(2, 5, 12, dtype=torch.float64)


def test_adapting_changes_nothing_at_first():
    plain, x = encoder(), tokens()
    before = plain(x)
    adapt(plain, CHOSEN)
    torch.testing.assert_close(plain(x), before, rtol=0, atol=0)


def test_only_the_low_rank_part_trains():
    model = trained(adapted())
    frozen = {name: p.clone() for name, p in model.named_parameters() if not p.requires_grad}
    names = {name.rpartition(".")[2] for name, p in model.named_parameters() if p.requires_grad}
    assert names == {"down", "up"}
    training = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], 0.1)
    before = model(x := tokens())
    (before * torch.randn(12)).sum().backward()
    training.step()
    assert not torch.allclose(model(x), before)
    for name, kept in frozen.items():
        assert torch.equal(model.get_parameter(name), kept)


def test_merging_is_exact_and_gives_back_plain_layers_under_the_old_names():
    model, x = trained(adapted()), tokens()
    before = model(x)
    merge(model)
    torch.testing.assert_close(model(x), before, rtol=1e-12, atol=1e-12)
    assert not any(isinstance(layer, LowRankLinear) for layer in model.modules())
    fresh = encoder()
    fresh.load_state_dict(model.state_dict())
    torch.testing.assert_close(fresh(x), before, rtol=1e-12, atol=1e-12)


def test_the_change_is_alpha_over_rank_times_up_times_down():
    model = encoder()
    adapt(model, CHOSEN, rank=2, alpha=6.0)
    layer = trained(model).blocks[0].mix.to_qkv
    change = layer.merged().weight - layer.weight
    torch.testing.assert_close(change, 3.0 * layer.up @ layer.down)
    assert torch.linalg.matrix_rank(change) == 2


def test_a_state_dict_from_before_still_loads():
    plain, model, x = encoder(), adapted(), tokens()
    missing, unexpected = model.load_state_dict(plain.state_dict(), strict=False)
    assert not unexpected and {name.rpartition(".")[2] for name in missing} == {"down", "up"}
    torch.testing.assert_close(model(x), plain(x), rtol=0, atol=0)


def test_the_same_generator_draws_the_same_start():
    one, two = adapted().state_dict(), adapted().state_dict()
    assert all(torch.equal(one[name], two[name]) for name in one if name.endswith("down"))


def test_a_layer_without_bias_adapts_and_merges():
    model = torch.nn.Sequential(torch.nn.Linear(4, 3, bias=False)).double()
    adapt(model, ["0"], rank=1)
    x = torch.randn(5, 4, dtype=torch.float64)
    before = trained(model)(x)
    merge(model)
    assert model[0].bias is None
    torch.testing.assert_close(model(x), before)


def test_what_cannot_be_adapted_is_refused_and_the_model_left_as_it_was():
    model = encoder()
    with pytest.raises(InputError, match="to_qkv"):
        adapt(model, ["to_qvk"])
    with pytest.raises(InputError, match="rank=13"):
        adapt(model, CHOSEN, rank=13)
    assert all(p.requires_grad for p in model.parameters())
    adapt(model, CHOSEN)
    with pytest.raises(InputError, match="merge"):
        adapt(model, CHOSEN)
