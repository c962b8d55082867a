"""SAMformer (Ilbert et al. 2024, "SAMformer: Unlocking the Potential of Transformers in Time Series Forecasting").

One layer with one head of attention over variates, each variate's whole lookback a token of as many channels; no norm,
no feed-forward layer, no position (section 4.1). The rest of the method is how it is trained: by sharpness-aware
minimisation, which is `TrainingConfig(sam_rho=...)`.
"""

from dataclasses import dataclass

from torch import Tensor, nn

from ....shared.transformer.attention import attend
from ....shared.transformer.normalisation import ReversibleInstanceNorm


@dataclass(frozen=True, slots=True)
class SAMformerConfig:
    """Size of a SAMformer; the defaults are those of the published tables."""

    series: int = 7  # variates: each has a learned gain and shift
    lookback: int = 512  # past steps it sees
    horizon: int = 96  # future steps it predicts
    width: int = 16  # channels of queries and keys
    value_dim: int | None = 16  # channels of values, mapped back to the lookback; None: a lookback of them, no way back

    def __post_init__(self) -> None:
        if self.lookback < 2 or self.horizon < 1 or self.series < 1:
            raise ValueError(
                f"lookback={self.lookback} must be at least 2, horizon={self.horizon} and series={self.series} at "
                "least 1."
            )
        if self.width < 1 or (self.value_dim is not None and self.value_dim < 1):
            raise ValueError(f"width={self.width} and value_dim={self.value_dim} must be at least 1.")


class SAMformer(nn.Module):
    """Forecast every variate from the lookback of all; (batch, series, lookback) -> (batch, series, horizon)."""

    Config = SAMformerConfig

    def __init__(self, config: SAMformerConfig = SAMformerConfig()) -> None:
        super().__init__()
        self.config = config
        lookback, values = config.lookback, config.value_dim
        self.norm = ReversibleInstanceNorm(config.series)
        self.to_query, self.to_key = nn.Linear(lookback, config.width), nn.Linear(lookback, config.width)
        self.to_value = nn.Linear(lookback, values or lookback)
        self.to_out = nn.Linear(values, lookback) if values else nn.Identity()
        self.to_future = nn.Linear(lookback, config.horizon)
        if values:
            self._start_as_published()

    def forward(self, past: Tensor) -> Tensor:
        """Scale each window, let variates attend to one another, map every one to its future, scale back."""
        scaled, mean, scale = self.norm(past)
        query, key, value = (to(scaled).unsqueeze(1) for to in (self.to_query, self.to_key, self.to_value))
        mixed = scaled + self.to_out(attend(query, key, value).squeeze(1))
        return self.norm.restore(self.to_future(mixed), mean, scale)

    def _start_as_published(self) -> None:
        """Glorot-uniform as the framework of the tables counts it, biases 0 (the other variant: this one's default).

        It takes the kernels of query, key and value (lookback, 1 head, width) for convolutions, so that their bound is
        (6 / ((width + 1) lookback))^1/2 and attention starts nearly uniform over the variates.
        """
        for name, layer in self.named_children():
            if isinstance(layer, nn.Linear):
                fans = layer.in_features + layer.out_features
                if name in ("to_query", "to_key", "to_value"):
                    fans = (layer.out_features + 1) * layer.in_features
                bound = (6 / fans) ** 0.5
                nn.init.uniform_(layer.weight, -bound, bound)
                nn.init.zeros_(layer.bias)
