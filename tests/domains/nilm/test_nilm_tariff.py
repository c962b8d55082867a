"""Laws of tariffs: every minute has one price, the two formats agree, faults are named."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from labformer.domains.nilm.tariff import Tariff
from labformer.shared.errors import InputError

YEAR = pd.date_range("2024-01-01", "2024-12-31 23:30", freq="30min", tz="Europe/London")


def example(ending: str) -> str:
    """The example of the docstring."""
    text = re.sub(r"^ {8}", "", Tariff.__doc__ or "", flags=re.M)
    toml, table = text[text.index("currency =") : text.index("or the same")], text[text.index("currency,valid") :]
    return {"toml": toml.replace("\n    ", "\n"), "csv": table.strip()}[ending]


def read(folder: Path, text: str, ending: str = "toml") -> Tariff:
    path = folder / f"tariff.{ending}"
    path.write_text(text, encoding="utf-8")
    return Tariff.read(path)


def test_a_flat_tariff_costs_the_same_at_all_hours() -> None:
    tariff = Tariff.flat(0.3, "EUR", standing_charge=0.5)
    energy = np.random.default_rng(0).random(len(YEAR))
    assert tariff.cost(YEAR, energy).sum() == pytest.approx(0.3 * energy.sum())
    assert tariff.standing_charges(YEAR[:48:48]).sum() == 0.5


def test_the_documented_files_can_be_read_and_say_the_same(tmp_path) -> None:
    toml, table = read(tmp_path, example("toml")), read(tmp_path, example("csv"), "csv")
    np.testing.assert_array_equal(toml.price(YEAR), table.price(YEAR))
    assert toml.currency == table.currency == "GBP"
    at = pd.DatetimeIndex(["2024-06-30 23:59", "2024-07-01 00:00", "2024-07-01 05:29", "2024-07-01 05:30"])
    assert toml.price(at).tolist() == [0.28, 0.09, 0.09, 0.25]
    assert toml.standing_charges(at).tolist() == [0.53, 0, 0, 0]


def test_the_local_clock_decides_and_weekends_are_their_own(tmp_path) -> None:
    text = (
        'currency = "EUR"\n[[period]]\nprice = 0.2\n'
        '[[period.band]]\ndays = "weekdays"\nhours = "07:00-20:00"\nprice = 0.4'
    )
    tariff = read(tmp_path, text)
    prices = pd.Series(tariff.price(YEAR), index=YEAR)
    dear = (YEAR.dayofweek < 5) & (YEAR.hour >= 7) & (YEAR.hour < 20)
    np.testing.assert_array_equal(prices.to_numpy(), np.where(dear, 0.4, 0.2))


def test_the_cost_of_nothing_known_is_not_known() -> None:
    assert np.isnan(Tariff.flat(0.3, "EUR").cost(YEAR[:2], [np.nan, 1.0])).tolist() == [True, False]


HEAD = 'currency = "EUR"\n[[period]]\n'
NIGHT = '[[period.band]]\nhours = "22:00-06:00"\nprice = 0.1\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[period]]\nprice = 0.2", "currency is missing"),
        ('currency = "EUR"', "no period with prices"),
        (HEAD + "price = -0.2", "must not be negative"),
        (HEAD + 'price = "dear"', "must be a number"),
        (HEAD + "prise = 0.2", "did you mean 'price'"),
        (HEAD + "price = 0.2\nvalid_from = 'soon'", "write a date"),
        (HEAD + NIGHT, "no band covers 06:00 on weekdays"),
        (HEAD + NIGHT + '[[period.band]]\nhours = "05:00-22:00"\nprice = 0.3', "band 2: its hours overlap"),
        (HEAD + "price = 0.2\n" + NIGHT.replace("22:00-06:00", "25:00-06:00"), "22:30-06:00"),
        (HEAD + "price = 0.2\n" + NIGHT + 'days = "sunday"', "must be one of all, weekdays, weekends"),
        (HEAD + "price = 0.2\n[[period]]\nprice = 0.3", "begin on the same day"),
        (HEAD + "price = ", "cannot be read as a tariff"),
    ],
)
def test_a_fault_in_a_toml_is_named_with_its_place(tmp_path, text: str, said: str) -> None:
    with pytest.raises(InputError, match=r"tariff\.toml.*" + re.escape(said)):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("currency,price\nEUR,0.2\nUSD,0.3", "row 3: a second currency"),
        ("currency,price\nEUR,0.2\nEUR,0.3", "a second price without hours"),
        ("currency,price\nEUR,0;2", "row 2: price is '0;2'"),
        ("currency,price,hour\nEUR,0.2,1", "did you mean 'hours'"),
        ("currency,price\n,0.2", "currency is missing"),
        ("", "currency is missing"),
    ],
)
def test_a_fault_in_a_csv_is_named_with_its_place(tmp_path, text: str, said: str) -> None:
    with pytest.raises(InputError, match=r"tariff\.csv.*" + re.escape(said)):
        read(tmp_path, text, "csv")


def test_times_before_the_first_price_and_other_files_are_refused(tmp_path) -> None:
    late = read(tmp_path, HEAD + "valid_from = 2024-03-01\nprice = 0.2")
    with pytest.raises(InputError, match="no price before 2024-03-01, the readings begin on 2024-01-01"):
        late.price(YEAR)
    with pytest.raises(InputError, match=r"\.toml or a \.csv"):
        Tariff.read(tmp_path / "tariff.xlsx")
    with pytest.raises(InputError, match="cannot be read"):
        Tariff.read(tmp_path / "absent.csv")
