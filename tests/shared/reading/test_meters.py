import numpy as np
import pandas as pd
import pytest

from labformer.shared.errors import InputError
from labformer.shared.reading.meters import refuse_several_meters
from labformer.shared.reading.table import Table

HOURS = pd.date_range("2024-01-01", periods=48, freq="h", tz="UTC")


def refuse(frame: pd.DataFrame) -> None:
    kept = np.ones(len(frame), bool)
    table = Table(frame.reset_index(drop=True), "load.csv", header=1)
    refuse_several_meters(pd.DatetimeIndex(frame["time"]), frame[["load"]].to_numpy(), kept, table, ("time", "load"))


def meters(*names: object) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    parts = [pd.DataFrame({"time": HOURS, "load": rng.normal(size=48), "site": "here", "id": name}) for name in names]
    return pd.concat(parts)


@pytest.mark.parametrize("names", [("A", "B"), (1, 2, 3), tuple(range(40))])
@pytest.mark.parametrize("by_time", [True, False])
def test_the_column_that_tells_meters_apart_is_named(names: tuple[object, ...], by_time: bool) -> None:
    frame = meters(*names)
    with pytest.raises(
        InputError, match=f"{len(names)} rows with different.*column 'id' tells.*'{names[0]}', '{names[1]}'"
    ):
        refuse(frame.sort_values("time", kind="stable") if by_time else frame)


def test_without_such_a_column_the_meters_are_refused_all_the_same() -> None:
    with pytest.raises(InputError, match="no other column tells them apart"):
        refuse(meters("A", "B").drop(columns="id"))


def test_one_meter_and_rows_that_repeat_another_are_no_several_meters() -> None:
    one = meters("A")
    refuse(one)
    refuse(pd.concat([one, one]))
    refuse(pd.concat([one, one.iloc[[3]].assign(load=9.0)]))
