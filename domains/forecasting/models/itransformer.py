"""iTransformer (Liu et al. 2024, "iTransformer: Inverted Transformers Are Effective for Time Series Forecasting").

Variates are tokens: each variate's whole lookback becomes one token, attention mixes variates, and each token is read
out as that variate's future (section 3.1, figure 2). Without positions the order of variates means nothing, and a
trained model runs on any number of them.

Beyond the paper, covariates known ahead of time (weather forecasts, calendar) enter as tokens made of their values over
lookback and horizon together, by a map of their own; they are never read out.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ....shared.transformer.block import PostNormBlock
from ....shared.transformer.embedding import SeriesEmbedding
from ....shared.transformer.feedforward import FeedForward
from ....shared.transformer.multihead import DropoutAttention, MultiHead
from ....shared.transformer.normalisation import restore, standardise
from ....shared.transformer.stack import Encoder, gelu


@dataclass(frozen=True, slots=True)
class ITransformerConfig:
    """Size of an iTransformer; the defaults are the published ETTh1 setting for horizons 96 and 192."""

    lookback: int = 96  # past steps it sees
    horizon: int = 96  # future steps it predicts
    width: int = 256
    hidden: int = 256  # width of the feed-forward layer
    heads: int = 8
    depth: int = 2
    dropout: float = 0.1
    known: bool = False  # takes covariates that are known over the horizon

    def __post_init__(self) -> None:
        if self.lookback < 2 or self.horizon < 1:
            raise ValueError(f"lookback={self.lookback} must be at least 2 and horizon={self.horizon} at least 1.")
        if self.width % self.heads:
            raise ValueError(f"width={self.width} must be a multiple of heads={self.heads}.")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout={self.dropout} must lie in [0, 1).")


class ITransformer(nn.Module):
    """Forecast every variate from the lookback of all of them."""

    Config = ITransformerConfig

    def __init__(self, config: ITransformerConfig = ITransformerConfig()) -> None:
        super().__init__()
        self.config = config
        self.embed = SeriesEmbedding(config.lookback, config.width)
        self.embed_known = SeriesEmbedding(config.lookback + config.horizon, config.width) if config.known else None
        self.drop = nn.Dropout(config.dropout)
        self.encoder = Encoder([_block(config) for _ in range(config.depth)], nn.LayerNorm(config.width))
        self.to_future = nn.Linear(config.width, config.horizon)

    def forward(self, past: Tensor, marks: Tensor | None = None, known: Tensor | None = None) -> Tensor:
        """Forecast; every variate is normalised by its own window, marks and known covariates enter as they are.

        past   (batch, series, lookback)
        marks  (batch, mark, lookback), calendar of the lookback, through the same embedding as the variates
        known  (batch, covariate, lookback + horizon), needs `known=True` in the config
        ->     (batch, series, horizon)
        """
        scaled, mean, scale = standardise(past)
        token = self.embed(scaled if marks is None else torch.cat([scaled, marks], 1))
        if known is not None:
            if self.embed_known is None:
                raise ValueError("this model was built without known covariates; build it with known=True.")
            token = torch.cat([token, self.embed_known(known)], 1)
        token = self.encoder(self.drop(token))
        # a variate's forecast is read from its own token, in the units of its own window
        forecast = self.to_future(token[:, : past.shape[1]])
        return restore(forecast, mean, scale)


def _block(config: ITransformerConfig) -> PostNormBlock:
    return PostNormBlock(
        MultiHead(config.width, config.heads, DropoutAttention(config.dropout)),
        FeedForward(config.width, config.hidden, gelu, config.dropout),
        nn.LayerNorm(config.width),
        nn.LayerNorm(config.width),
        config.dropout,
    )
