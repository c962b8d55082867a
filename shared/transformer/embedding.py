"""From series to tokens: patches, whole series, calendar rows, and a token that stands for all."""

import torch
from torch import Tensor, nn

from ..errors import InputError
from .position import CALENDAR


class PatchEmbedding(nn.Module):
    """Cut each series into patches of `patch` steps, `stride` apart, one token each (Nie et al. 2023, PatchTST, 3.1).

    (batch, series, time) -> (batch, series, token, width). Without a stride the patches touch.
    """

    def __init__(self, patch: int, width: int, stride: int | None = None) -> None:
        super().__init__()
        self.patch, self.stride = patch, patch if stride is None else stride
        if min(self.patch, self.stride) < 1:
            raise InputError(f"patch={patch} and stride={stride} must be 1 step or more.")
        self.project = nn.Linear(patch, width)

    def tokens(self, time: int) -> int:
        """How many patches cover `time` steps exactly; raises InputError when none or steps would be left over."""
        count, left = divmod(time - self.patch, self.stride)
        if count < 0 or left:
            fits = self.patch + max(count, 0) * self.stride
            raise InputError(
                f"{time} steps are not covered by patches of {self.patch} every {self.stride}; "
                f"give {fits} or {fits + self.stride} steps."
            )
        return count + 1

    def forward(self, series: Tensor) -> Tensor:
        """(batch, series, time) -> (batch, series, token, width); raises InputError as `tokens` does."""
        self.tokens(series.shape[-1])
        token: Tensor = self.project(series.unfold(-1, self.patch, self.stride))
        return token


class SeriesEmbedding(nn.Module):
    """Make one token of the whole history of a series (Liu et al. 2024, iTransformer, 3.1).

    (batch, series, lookback) -> (batch, series, width), for any number of series.
    """

    def __init__(self, lookback: int, width: int) -> None:
        super().__init__()
        self.project = nn.Linear(lookback, width)

    def forward(self, series: Tensor) -> Tensor:
        """(batch, series, lookback) -> (batch, series, width); raises InputError for another number of steps."""
        if series.shape[-1] != self.project.in_features:
            raise InputError(
                f"the series have {series.shape[-1]} steps, this embedding takes {self.project.in_features}; "
                "cut or extend the window to that."
            )
        token: Tensor = self.project(series)
        return token


class CalendarEmbedding(nn.Module):
    """Make one token of the calendar features of each step; (batch, time, 7) -> (batch, time, width).

    The features are those of `position.calendar_features`, for past and future alike: the calendar is known ahead.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.project = nn.Linear(len(CALENDAR), width)

    def forward(self, calendar: Tensor) -> Tensor:
        """(batch, time, 7) -> (batch, time, width)."""
        token: Tensor = self.project(calendar)
        return token


class ClassToken(nn.Module):
    """Put a learned token before the others, to gather what is said of the whole (Devlin et al. 2019, 3).

    (batch, token, width) -> (batch, 1 + token, width); it starts at 0, as in Dosovitskiy et al. 2021.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, token, width) -> (batch, 1 + token, width)."""
        return torch.cat([self.token.expand(x.shape[0], 1, -1), x], 1)
