import pytest
import torch
from torch import Tensor, nn

from labformer.domains.forecasting.models.itransformer import ITransformer, ITransformerConfig

SMALL = ITransformerConfig(lookback=12, horizon=5, width=16, hidden=24, heads=4)
KNOWN = ITransformerConfig(lookback=12, horizon=5, width=16, hidden=24, heads=4, known=True)


def made(config: ITransformerConfig = SMALL) -> ITransformer:
    torch.manual_seed(0)
    return ITransformer(config).double().eval()


def randn(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ("width", "horizon", "count"), [(256, 96, 841_568), (256, 192, 866_240), (512, 336, 3_379_024)]
)
def test_sizes_are_those_of_the_published_scripts(width: int, horizon: int, count: int) -> None:
    model = ITransformer(ITransformerConfig(96, horizon, width, width))
    assert sum(parameter.numel() for parameter in model.parameters()) == count


def test_permuting_variates_permutes_the_forecast() -> None:
    model, past, order = made(), randn(3, 6, 12), torch.tensor([4, 0, 5, 2, 1, 3])
    torch.testing.assert_close(model(past[:, order]), model(past)[:, order])


def test_variates_see_each_other() -> None:
    model, past = made(), randn(3, 6, 12)
    changed = past.clone()
    changed[:, 5] = changed[:, 5].flip(-1)
    assert (model(changed)[:, 0] - model(past)[:, 0]).abs().max() > 1e-3


def test_it_runs_on_any_number_of_variates() -> None:
    model = made()
    for series in (1, 2, 9):
        assert model(randn(3, series, 12)).shape == (3, series, 5)


def test_order_of_marks_and_of_known_covariates_means_nothing() -> None:
    model, past, marks, known = made(KNOWN), randn(3, 2, 12), randn(3, 4, 12), randn(3, 3, 17)
    expected = model(past, marks, known)
    torch.testing.assert_close(model(past, marks[:, [2, 0, 3, 1]], known), expected)
    torch.testing.assert_close(model(past, marks, known[:, [1, 2, 0]]), expected)


def test_each_variate_shifts_and_scales_with_its_own_window() -> None:
    model, past = made(), 1e3 * randn(3, 4, 12)  # so large that the 1e-5 under the root is nothing
    scale, shift = torch.tensor([[2.0], [0.5], [9.0], [4.0]]), torch.tensor([[1e3], [-4e3], [0.0], [7.0]])
    torch.testing.assert_close(model(past * scale + shift), model(past) * scale + shift, rtol=1e-8, atol=1e-6)


def test_marks_and_known_covariates_matter_over_lookback_and_horizon() -> None:
    model, past, marks, known = made(KNOWN), randn(3, 2, 12), randn(3, 4, 12), randn(3, 3, 17)
    expected = model(past, marks, known)
    for step in (0, 11, 12, 16):
        changed = known.clone()
        changed[:, 1, step] += 1.0
        assert (model(past, marks, changed) - expected).abs().amax() > 1e-6
    assert (model(past, marks + 1.0, known) - expected).abs().amax() > 1e-3


def test_known_covariates_are_refused_by_a_model_built_without() -> None:
    with pytest.raises(ValueError, match="known=True"):
        made()(randn(3, 2, 12), None, randn(3, 1, 17))


@pytest.mark.parametrize("wrong", [{"width": 30}, {"lookback": 1}, {"horizon": 0}, {"dropout": 1.0}])
def test_impossible_sizes_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must"):
        ITransformerConfig(**wrong)  # type: ignore[arg-type]


def test_dropout_is_only_for_training() -> None:
    model, past = made(), randn(3, 2, 12)
    torch.testing.assert_close(model(past), model(past), rtol=0, atol=0)
    model.train()
    assert (model(past) - model(past)).abs().max() > 1e-3


class Plainly(nn.Module):
    """The same from the specification, with torch's own encoder."""

    def __init__(self, of: ITransformer) -> None:
        super().__init__()
        config = of.config
        self.embed = nn.Linear(config.lookback, config.width)
        layer = nn.TransformerEncoderLayer(
            config.width, config.heads, config.hidden, config.dropout, "gelu", batch_first=True
        )
        self.encoder = nn.TransformerEncoder(
            layer, config.depth, nn.LayerNorm(config.width), enable_nested_tensor=False
        )
        self.head = nn.Linear(config.width, config.horizon)
        self.double().eval()
        pairs = [(self.embed, of.embed.project), (self.head, of.to_future), (self.encoder.norm, of.encoder.norm)]
        for mine, theirs in zip(self.encoder.layers, of.encoder.blocks, strict=True):
            pairs += [(mine.linear1, theirs.feed.rise), (mine.linear2, theirs.feed.fall)]
            pairs += [(mine.norm1, theirs.norm_mix), (mine.norm2, theirs.norm_feed)]
            pairs += [(mine.self_attn.out_proj, theirs.mix.to_out)]
            mine.self_attn.in_proj_weight.data.copy_(theirs.mix.to_qkv.weight)
            mine.self_attn.in_proj_bias.data.copy_(theirs.mix.to_qkv.bias)
        for mine, theirs in pairs:
            mine.load_state_dict(theirs.state_dict())

    def forward(self, past: Tensor, marks: Tensor) -> Tensor:
        mean, variance = past.mean(-1, keepdim=True), past.var(-1, correction=0, keepdim=True)
        scale = (variance + 1e-5).sqrt()
        token = self.encoder(self.embed(torch.cat([(past - mean) / scale, marks], 1)))
        return self.head(token)[:, : past.shape[1]] * scale + mean


def test_it_equals_the_specification_built_on_torch_s_encoder() -> None:
    model = made()
    for parameter in model.parameters():  # norms and biases too, which start at 1 and 0
        parameter.data.add_(0.1 * randn(*parameter.shape))
    past, marks = randn(3, 4, 12), randn(3, 2, 12)
    torch.testing.assert_close(model(past, marks), Plainly(model)(past, marks))
