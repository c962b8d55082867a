import pytest
import torch

from labformer.domains.nilm.models.bigru import BiGRU, BiGRUConfig
from labformer.domains.nilm.models.seq2point import Seq2Point, Seq2PointConfig


@pytest.mark.parametrize("time", [61, 62, 500, 2000])
def test_a_series_is_answered_as_its_windows_one_by_one(time: int) -> None:
    torch.manual_seed(0)
    model = Seq2Point(Seq2PointConfig(outputs=2, states=True, window=61, dense=200)).double().eval()
    mains = torch.rand(2, 1, time, dtype=torch.float64)
    with torch.inference_mode():
        whole = model(mains, mains)
        windows = mains.unfold(-1, 61, 1).permute(2, 0, 1, 3)
        alone = [model(one, one) for one in windows]
    torch.testing.assert_close(whole.power, torch.cat([one.power for one in alone], -1))
    torch.testing.assert_close(whole.logits, torch.cat([one.logits for one in alone], -1))
    assert whole.power.shape == (2, 2, time - 60)


def test_a_point_sees_its_window_and_nothing_else() -> None:
    torch.manual_seed(0)
    model = Seq2Point(Seq2PointConfig(window=61, dense=50)).eval()
    mains = torch.rand(1, 1, 200, requires_grad=True)
    model(mains, mains).power[0, 0, 40].backward()
    touched = torch.nonzero(mains.grad[0, 0].abs() > 1e-7).flatten()
    assert model.margin == 30
    assert touched.min() >= 40 and touched.max() <= 100 and len(touched) > 50


def test_a_minute_network_has_the_size_its_layers_add_up_to() -> None:
    layers = ((1, 30, 10), (30, 30, 8), (30, 40, 6), (40, 50, 5), (50, 50, 5))
    filters = sum(a * b * k + b for a, b, k in layers)
    assert sum(w.numel() for w in Seq2Point().parameters()) == filters + (270 * 50 + 1) * 1024 + 1025


def test_a_recurrent_network_answers_any_length_and_has_the_size_its_layers_add_up_to() -> None:
    torch.manual_seed(0)
    model = BiGRU(BiGRUConfig(outputs=2, states=True)).eval()
    for time in (1, 30):
        answer = model(torch.rand(3, 1, time), torch.rand(3, 8, time))
        assert answer.power.shape == answer.logits.shape == (3, 2, time)
    gru = sum(2 * 3 * (units * (inside + units) + 2 * units) for inside, units in ((8, 64), (128, 128)))
    assert sum(w.numel() for w in BiGRU().parameters()) == 96 + 648 + gru + 257 * 64 + 65


def test_a_recurrent_network_sees_both_sides() -> None:
    torch.manual_seed(0)
    model, mains = BiGRU().eval(), torch.rand(1, 1, 30, requires_grad=True)
    model(mains, mains).power[0, 0, 15].backward()
    assert (mains.grad[0, 0, [5, 25]] != 0).all()


@pytest.mark.parametrize("wrong", [{"window": 60}, {"window": 29}, {"dense": 0}])
def test_a_point_network_that_cannot_be_built_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="window"):
        Seq2PointConfig(**wrong)


@pytest.mark.parametrize("wrong", [{"kernel": 4}, {"dropout": 1.0}, {"filters": (0, 8)}])
def test_a_recurrent_network_that_cannot_be_built_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        BiGRUConfig(**wrong)
