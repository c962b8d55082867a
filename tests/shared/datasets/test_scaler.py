"""Laws of standardisation."""

import json

import numpy as np
import pytest
import torch

from labformer.shared.datasets.scaler import StandardScaler
from labformer.shared.errors import InputError


def table(rows: int = 200) -> torch.Tensor:
    noise = torch.randn(rows, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    return noise * torch.tensor([1.0, 40.0, 1e-3]) + torch.tensor([0.0, 3e4, -5.0])


def test_encoded_train_rows_have_mean_nought_and_population_spread_one() -> None:
    train = table()
    encoded = StandardScaler.fit(train).encode(train)
    # 3e4 / 40 is the largest mean in units of its spread, so the rounding of the mean grows by it
    torch.testing.assert_close(encoded.mean(0), torch.zeros(3, dtype=torch.float64), atol=1e-12, rtol=0)
    torch.testing.assert_close((encoded**2).mean(0), torch.ones(3, dtype=torch.float64), atol=1e-12, rtol=0)


def test_decoding_undoes_encoding_for_any_leading_axes() -> None:
    train = table()
    scaler = StandardScaler.fit(train)
    windows = train.unfold(0, 24, 1).transpose(1, 2)
    torch.testing.assert_close(scaler.decode(scaler.encode(windows)), windows, rtol=1e-12, atol=0)


def test_only_the_rows_that_were_given_count() -> None:
    train = table()
    later = train * 5 + 100
    assert StandardScaler.fit(torch.cat([train, later])[:200]) == StandardScaler.fit(train)
    assert StandardScaler.fit(torch.cat([train, later])) != StandardScaler.fit(train)


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e9 / 3])
def test_a_constant_series_keeps_the_divisor_one(constant: float) -> None:
    scaler = StandardScaler.fit(torch.full((1001, 1), constant, dtype=torch.float64))
    assert scaler.scale == (1.0,)
    assert scaler.mean == pytest.approx((constant,), rel=1e-12)


def test_arrays_and_tensors_get_the_same_numbers_in_their_own_precision() -> None:
    train = table()
    scaler = StandardScaler.fit(train.numpy())
    assert scaler == StandardScaler.fit(train)
    np.testing.assert_array_equal(scaler.encode(train.numpy()), scaler.encode(train).numpy())
    assert scaler.encode(train.float()).dtype == torch.float32
    assert scaler.decode(train.float().numpy()).dtype == np.float32
    whole = torch.tensor([[0, 30000, -5]])
    torch.testing.assert_close(scaler.encode(whole), scaler.encode(whole.double()))


def test_a_scaler_comes_back_from_json_unchanged() -> None:
    scaler = StandardScaler.fit(table())
    assert StandardScaler.from_dict(json.loads(json.dumps(scaler.to_dict()))) == scaler


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_missing_or_infinite_value_is_refused_and_its_series_named(bad: float) -> None:
    train = table()
    train[7, 1] = bad
    with pytest.raises(InputError, match=r"series number \[1\]"):
        StandardScaler.fit(train)


@pytest.mark.parametrize(
    "plain",
    [
        {"mean": [0.0]},
        {"mean": [0.0], "scale": [0.0]},
        {"mean": [0.0], "scale": [1.0, 1.0]},
        {"mean": [float("nan")], "scale": [1]},
    ],
)
def test_what_cannot_be_a_scaler_is_refused(plain: dict[str, list[float]]) -> None:
    with pytest.raises(InputError):
        StandardScaler.from_dict(plain)


def test_another_number_of_series_is_refused() -> None:
    with pytest.raises(InputError, match="knows 3 series"):
        StandardScaler.fit(table()).encode(torch.zeros(5, 2))
    with pytest.raises(InputError, match="time, series"):
        StandardScaler.fit(torch.zeros(0, 2))
