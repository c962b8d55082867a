from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from labformer.domains.forecasting.data import LoadData, read_load, require_ahead, require_length
from labformer.shared.errors import InputError

DAYS, AHEAD = 21, 48
COLUMNS = {"targets": "load", "past_covariates": "price", "future_covariates": ["temperature", "holiday"]}


def week(history: int = DAYS * 48, ahead: int = AHEAD) -> pd.DataFrame:
    """Half-hourly load on a London clock over the night clocks go forward, covariates running on for a day."""
    rng = np.random.default_rng(0)
    times = pd.date_range("2024-03-20", periods=history + ahead, freq="30min", tz="UTC").tz_convert("Europe/London")
    frame = pd.DataFrame({"time": times.strftime("%Y-%m-%d %H:%M")})
    for name in ("load", "price", "temperature"):
        frame[name] = rng.normal(100, 10, len(times)).round(3)
    frame["holiday"] = np.where(times.dayofweek == 6, "TRUE", "FALSE")
    frame.loc[history:, ["load", "price"]] = np.nan
    return frame


def read(frame: pd.DataFrame, **options: object) -> LoadData:
    return read_load(frame, **({"zone": "Europe/London"} | COLUMNS | options))  # type: ignore[arg-type]


def same(one: LoadData, other: LoadData) -> None:
    assert (one.times == other.times).all()
    for name in ("targets", "past", "future", "filled"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert (one.step, one.zone, one.known, one.target_names) == (
        other.step,
        other.zone,
        other.known,
        other.target_names,
    )


def test_a_clean_file_is_read_as_it_stands(tmp_path: Path) -> None:
    frame = week()
    frame.to_csv(tmp_path / "load.csv", index=False)
    data = read_load(tmp_path / "load.csv", zone="Europe/London", units={"load": "MW"}, **COLUMNS)  # type: ignore[arg-type]
    assert data.step == pd.Timedelta("30min")
    assert data.known == DAYS * 48
    assert len(data.times) == DAYS * 48 + AHEAD
    assert data.repairs == ()
    assert data.units == {"load": "MW"}
    np.testing.assert_array_equal(data.targets[:, 0], frame["load"])
    np.testing.assert_array_equal(data.past[:, 0], frame["price"])
    np.testing.assert_array_equal(data.future[:, 1], frame["holiday"] == "TRUE")
    assert not data.filled.any()
    assert list(data.local().strftime("%Y-%m-%d %H:%M")) == list(frame["time"])
    assert set(np.diff(data.times)) == {np.timedelta64(30, "m")}
    assert "1,008 rows each 30 min, 2024-03-20 00:00" in data.summary()


def test_frame_csv_parquet_excel_netcdf_and_dataset_agree(tmp_path: Path) -> None:
    frame = week()
    plain = read(frame)
    frame["holiday"] = frame["holiday"] == "TRUE"
    frame.to_parquet(tmp_path / "load.parquet")
    frame.to_csv(tmp_path / "load.csv", index=False)
    frame.to_excel(tmp_path / "load.xlsx", index=False)
    for suffix in ("parquet", "csv", "xlsx"):
        same(read_load(tmp_path / f"load.{suffix}", zone="Europe/London", **COLUMNS), plain)  # type: ignore[arg-type]
    frame["time"] = plain.times.tz_localize(None)
    dataset = frame.astype({"holiday": float}).set_index("time").to_xarray()
    dataset["load"].attrs["units"] = "MW"
    dataset.to_netcdf(tmp_path / "load.nc", engine="h5netcdf")
    for source in (dataset, tmp_path / "load.nc"):
        data = read_load(source, **COLUMNS)  # type: ignore[arg-type]
        np.testing.assert_array_equal(data.targets, plain.targets)
        assert (data.times == plain.times).all()
        assert data.units == {"load": "MW"}


def test_an_index_of_times_needs_no_column() -> None:
    frame = week()
    indexed = frame.drop(columns="time").set_index(read(frame).times.tz_convert("Europe/London"))
    same(read(indexed, zone=None), read(frame))


def test_offsets_and_a_local_clock_with_its_zone_say_the_same() -> None:
    frame = week()
    plain = read(frame)
    for spelling in ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S+00:00"):
        same(read(frame.assign(time=plain.times.strftime(spelling))), plain)
    assert read(frame.assign(time=plain.times.strftime("%Y-%m-%dT%H:%MZ")), zone=None).zone == "UTC"


def test_without_a_zone_the_clock_stands_and_the_hour_lost_in_march_is_pointed_out() -> None:
    data = read(week(), zone=None)
    assert data.zone is None
    assert data.local().tz is None
    assert data.local()[0] == pd.Timestamp("2024-03-20")
    (note,) = data.repairs
    assert note.startswith("1 gap (2 rows) in load, price, temperature, holiday bridged")
    assert "2024-03-31 01:00" in note
    assert "pass zone='Europe/London'" in note


def test_shuffled_and_doubled_rows_are_put_right_and_said() -> None:
    frame = week()
    messy = pd.concat([frame, frame.iloc[[4, 90]]]).sample(frac=1, random_state=0)
    data = read(messy)
    same(data, read(frame))
    assert [note.split(":")[0].split(",")[0] for note in data.repairs] == [
        "rows sorted by time",
        "2 duplicate rows dropped",
    ]


def test_gaps_are_filled_marked_and_said() -> None:
    frame = week()
    frame.loc[[7, 8], "load"] = np.nan
    data = read(frame.drop(index=[100, 101, 102]))
    assert np.flatnonzero(data.filled[:, 0]).tolist() == [7, 8, 100, 101, 102]
    assert not np.isnan(data.targets[: data.known]).any()
    assert np.isnan(data.targets[data.known :]).all()
    assert not np.isnan(data.future).any()
    untouched = ~data.filled[: data.known, 0]
    np.testing.assert_array_equal(
        data.targets[: data.known, 0][untouched], read(week()).targets[: data.known, 0][untouched]
    )
    assert [note.split(" bridged")[0] for note in data.repairs] == [
        "2 gaps (5 rows) in load",
        "1 gap (3 rows) in price, temperature, holiday",
    ]


def test_rows_before_the_first_and_after_the_last_target_are_left_out_and_said() -> None:
    frame = week(ahead=0)
    frame.loc[:9, "load"] = np.nan
    frame.loc[1000:, "load"] = np.nan
    data = read_load(frame, targets="load", zone="Europe/London")
    assert len(data.times) == data.known == 990
    assert data.repairs[0] == "10 rows without target left out before history, up to 2024-03-20 04:30"
    assert data.repairs[1] == "8 rows without target left out after history, from 2024-04-09 21:00"


def test_past_covariates_are_hidden_after_history() -> None:
    frame = week()
    frame["price"] = 5.0
    assert np.isnan(read(frame).past[DAYS * 48 :]).all()


def test_until_shows_what_was_known_and_copies_nothing_unless_it_hides() -> None:
    data = read(week())
    early = data.until(300)
    assert early.known == len(early.times) == 300
    for name in ("targets", "past", "future", "filled"):
        assert np.shares_memory(getattr(early, name), getattr(data, name))
    ahead = data.until(300, ahead=48)
    assert len(ahead.times) == 348
    assert np.isnan(ahead.targets[300:]).all()
    assert np.isnan(ahead.past[300:]).all()
    np.testing.assert_array_equal(ahead.future, data.future[:348])
    assert not np.isnan(data.targets[: data.known]).any()
    with pytest.raises(ValueError, match="outside"):
        data.until(data.known + 1)


def test_the_rows_ahead_are_those_the_file_gives() -> None:
    data = read(week())
    assert (data.ahead(AHEAD) == data.times[data.known :]).all()
    assert (data.until(300).ahead(5) == data.times[300:305]).all()


def test_lengths_of_time_are_counted_in_rows() -> None:
    data = read(week())
    assert data.rows("24h") == 48
    with pytest.raises(InputError, match="horizon 45 min is not a multiple of the step 30 min"):
        data.rows("45min")


def test_too_short_a_history_and_too_few_rows_ahead_are_refused() -> None:
    data = read(week())
    require_length(data, data.known, "anything")
    with pytest.raises(InputError, match="1008 rows .21 d. is too short for a lookback of 30 days, which needs 1440"):
        require_length(data, 1440, "a lookback of 30 days")
    require_ahead(data, AHEAD)
    with pytest.raises(InputError, match="temperature, holiday are missing from 2024-04-11 01:00 to 2024-04-11 02:30"):
        require_ahead(data, AHEAD + 4)
    require_ahead(read(week(), future_covariates=()), AHEAD + 4)


def _set(column: str, rows: slice | list[int], value: object) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame = frame.astype({column: object})
        frame.loc[rows, column] = value
        return frame

    return change


def _double(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([frame, frame.iloc[[5]].assign(load=1.0)])


# What is wrong -> (how the good file becomes the bad one, options, what the one line of error must say).
BAD_INPUT: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], dict[str, object], tuple[str, ...]]] = {
    "no time column": (lambda f: f.drop(columns="time"), {}, ("no column reads as times", "'load', 'price'")),
    "time missing": (_set("time", [3], ""), {}, ("row 5 has no readable time", "1 such row")),
    "time unparsable": (_set("time", [3, 9], "tomorrow"), {"time": "time"}, ("row 5", "'tomorrow'", "2 such rows")),
    "time column absent": (lambda f: f, {"time": "Tme"}, ("'Tme' is missing", "did you mean 'time'?")),
    "times irregular": (_set("time", [3], "2024-03-20 01:37"), {}, ("1 of 1,056 rows", "2024-03-20 01:37")),
    "time that never was": (_set("time", [530], "2024-03-31 01:30"), {}, ("2024-03-31 01:30", "never was")),
    "duplicate with another value": (_double, {}, ("2024-03-20 02:30 stands twice", "and 1 (1 such time)")),
    "a long gap": (lambda f: f.drop(index=range(50, 90)), {}, ("20 h", "max_gap='20h'", "--max-gap 20h")),
    "any gap when none is allowed": (lambda f: f.drop(index=[50]), {"gaps": "error"}, ("2024-03-21 01:00", "max_gap")),
    "text in numbers": (_set("load", [7], "12,5"), {}, ("row 9 of column 'load' is '12,5'", "decimal point")),
    "infinite": (_set("load", [7], "inf"), {}, ("row 9 of column 'load' is infinite",)),
    "constant": (lambda f: f.assign(load=f["load"] * 0 + 3), {}, ("'load' is constant (3 in 1,008 rows)",)),
    "no value at all": (lambda f: f.assign(load=np.nan), {}, ("'load' has no values",)),
    "header only": (lambda f: f.head(0), {}, ("no rows",)),
    "one row": (lambda f: f.head(1), {}, ("has one row",)),
    "target absent": (lambda f: f, {"targets": "Laod"}, ("'Laod' is missing", "did you mean 'load'?", "'temperature'")),
    "covariate absent": (lambda f: f, {"past_covariates": "wind"}, ("'wind' is missing", "'temperature'")),
    "two roles": (lambda f: f, {"past_covariates": "load"}, ("'load' is named twice",)),
    "no target named": (lambda f: f, {"targets": ()}, ("no target is named",)),
    "unit of a stranger": (lambda f: f, {"units": {"laod": "MW"}}, ("units has 'laod'",)),
    "past covariate ends early": (
        _set("price", slice(1000, None), ""),
        {},
        ("'price' is missing from 2024-04-09 21:00 to 2024-04-10 00:30", "needed to 2024-04-10 00:30"),
    ),
    "future covariate ends early": (
        _set("temperature", slice(1040, None), ""),
        {},
        ("'temperature' is missing from 2024-04-10 17:00 to 2024-04-11 00:30",),
    ),
    "hole in the future": (_set("temperature", [1010], ""), {}, ("missing from 2024-04-10 02:00 to 2024-04-10 02:00",)),
    "covariate without values": (lambda f: f.assign(temperature=np.nan), {}, ("'temperature' is missing from",)),
    "zone mistyped": (lambda f: f, {"zone": "Europe/Lodnon"}, ("no time zone 'Europe/Lodnon'", "did you mean")),
    "step of nothing": (lambda f: f, {"step": "often"}, ("step='often'", "30min")),
    "max_gap of nothing": (lambda f: f, {"max_gap": "-2h"}, ("max_gap='-2h'",)),
    "gaps policy": (lambda f: f, {"gaps": "ignore"}, ("'repair' or 'error'",)),
    "daily data on a clock with summer time": (
        lambda f: f.head(30).assign(time=pd.date_range("2024-03-20", periods=30).strftime("%Y-%m-%d")),
        {"past_covariates": (), "future_covariates": ()},
        ("steps of 1 d", "leave the zone out"),
    ),
}


@pytest.mark.parametrize("wrong", BAD_INPUT)
def test_bad_input_gets_one_line_that_says_what_where_and_what_to_do(tmp_path: Path, wrong: str) -> None:
    change, options, fragments = BAD_INPUT[wrong]
    path = tmp_path / "load.csv"
    change(week()).to_csv(path, index=False)
    with pytest.raises(InputError) as caught:
        read_load(path, **({"zone": "Europe/London"} | COLUMNS | options))  # type: ignore[arg-type]
    message = str(caught.value)
    assert "\n" not in message
    assert message.endswith(".")
    for fragment in fragments:
        assert fragment in message
    assert [file.name for file in tmp_path.iterdir()] == ["load.csv"]


def test_the_gap_limit_an_error_names_lets_the_file_pass() -> None:
    holed = week().drop(index=range(500, 600))
    with pytest.raises(InputError, match="max_gap='3d'"):
        read(holed)
    data = read(holed, max_gap="3d")
    assert data.filled.sum() == 100
    np.testing.assert_array_equal(data.targets[500:600], data.targets[500 - 336 : 600 - 336])
    assert "one week before" in data.repairs[0]


def test_a_dataset_on_a_grid_is_refused_and_one_point_of_it_read() -> None:
    times = pd.date_range("2024-01-01", periods=10, freq="h")
    grid = xr.Dataset({"t2m": (("time", "x"), np.arange(20.0).reshape(10, 2))}, {"time": times, "x": [0, 1]})
    with pytest.raises(InputError, match="choose a point"):
        read_load(grid, targets="t2m")
    np.testing.assert_array_equal(read_load(grid.isel(x=1), targets="t2m").targets[:, 0], np.arange(1.0, 20, 2))
