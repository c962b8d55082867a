"""Write the corpus of bad trajectories: small files, each with one thing wrong, and what must come of it."""

import gzip
import pickle
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import xarray as xr


@dataclass(frozen=True)
class Case:
    """One file and what reading it must lead to."""

    name: str
    source: Any
    expectation: Literal["clean", "repaired", "refused"]
    words: tuple[str, ...] = ()  # in one repair line, or in the line of the error
    options: dict[str, Any] = field(default_factory=dict)  # of read_runs
    runs: int = 1
    points: int | None = None  # of all runs together; None: not compared


def oscillation(points: int = 60, start: float = 0.0) -> pd.DataFrame:
    """A damped oscillation: t, x, v."""
    t = np.round(start + np.linspace(0, 6, points), 4)
    amplitude = np.exp(-0.2 * (t - start))
    return pd.DataFrame({"t": t, "x": amplitude * np.cos(2 * t) + 2, "v": amplitude * np.sin(2 * t)}).round(6)


class Corpus:
    """A folder that fills with cases."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cases: list[Case] = []
        self.table = oscillation()

    def add(
        self,
        name: str,
        content: str | bytes | pd.DataFrame | Callable[[Path], object],
        *expected: str,
        runs: int = 1,
        points: int | None = 60,
        **options: Any,
    ) -> None:
        """A file `name`; `expected` is refused, repaired or clean and the words."""
        path = self.folder / (name if "." in name else f"{name}.csv")
        match content:
            case pd.DataFrame():
                content.to_csv(path, index=False)
            case str():
                path.write_text(content, encoding="utf-8", newline="")
            case bytes():
                path.write_bytes(content)
            case _:
                content(path)
        self.expect(name, path, *expected, runs=runs, points=points, **options)

    def expect(
        self, name: str, source: Any, *expected: str, runs: int = 1, points: int | None = 60, **options: Any
    ) -> None:
        """A case of files that stand already, of tables or of arrays."""
        kept = None if expected[0] == "refused" else points
        self.cases.append(Case(name, source, expected[0], expected[1:], options, runs, kept))  # type: ignore[arg-type]

    def put(self, rows: Any, value: object, column: str = "x") -> pd.DataFrame:
        """The good table with other cells."""
        table = self.table.astype({column: object})
        table.loc[rows, column] = value
        return table


def write_corpus(folder: Path) -> list[Case]:
    """Write every file into `folder`: -> the cases."""
    corpus = Corpus(folder)
    for part in (_containers, _dialects, _columns, _times, _values, _several, _sizes, _memory):
        part(corpus)
    return corpus.cases


def _containers(corpus: Corpus) -> None:
    table = corpus.table
    text = table.to_csv(index=False)
    corpus.add("clean", text, "clean")
    corpus.add("tabs.tsv", table.to_csv(index=False, sep="\t"), "clean")
    corpus.add("clean.parquet", table.to_parquet, "clean")
    corpus.add("book.xlsx", lambda path: table.to_excel(path, index=False), "clean")
    dataset = table.set_index("t").to_xarray()
    corpus.add("clean.nc", lambda path: dataset.to_netcdf(path, engine="h5netcdf"), "clean")
    whole = (corpus.folder / "clean.nc").read_bytes()
    corpus.add("cut-short.nc", whole[: len(whole) // 2], "refused", "cannot be read as NetCDF", "cut short")
    bare = xr.Dataset({"x": ("point", np.arange(9.0))})
    corpus.add(
        "no-time.nc", lambda path: bare.to_netcdf(path, engine="h5netcdf"), "refused", "no dimension called time"
    )
    corpus.add("packed.csv.gz", gzip.compress(text.encode(), mtime=0), "clean")
    corpus.add("empty", b"", "refused", "is empty (0 bytes)")
    corpus.add("header-only", "t,x\n", "refused", "no rows of data")
    corpus.add("pickled", pickle.dumps(table), "refused", "pickles are never opened")
    corpus.add("pickled.pkl", pickle.dumps(table), "refused", "cannot read .pkl")
    corpus.expect("misspelt", corpus.folder / "claen.csv", "refused", "no file", "did you mean 'clean.csv'")
    corpus.expect("misspelt-nc", corpus.folder / "claen.nc", "refused", "no file", "did you mean")


def _dialects(corpus: Corpus) -> None:
    table = corpus.table
    corpus.add("decimal-commas", table.to_csv(index=False, sep=";", decimal=","), "repaired", "decimal commas", "'x'")
    bare = table.to_csv(index=False, header=False)
    corpus.add("no-header", bare, "repaired", "no row of names", "t, x_0, x_1")
    corpus.add("no-header-equal", bare.replace("0.0,3.0,0.0", "0.0,3.0,3.0", 1), "repaired", "no row of names")
    corpus.add(
        "comment-lines", "# made by hand\n# in 2020\n" + table.to_csv(index=False), "repaired", "above the header"
    )
    corpus.add("units-in-the-header", table.rename(columns={"t": "time (s)", "x": "x (mm)"}), "clean")
    corpus.add("a-row-of-units", "t,x,v\ns,mm,mm/s\n" + bare, "repaired", "units (t in s")
    mm = table.assign(x=table["x"].map("{:.6f} mm".format))
    corpus.add("unit-in-all-cells", mm, "repaired", "unit 'mm' taken off the cells of 'x'")
    seconds = table.assign(t=table["t"].map("{:.4f} s".format))
    corpus.add("unit-in-times", seconds, "repaired", "unit 's' taken off the cells of 't'")
    mixed = mm.copy()
    mixed.loc[20:, "x"] = table["x"][20:].map("{:.6f} cm".format)
    corpus.add("units-mixed", mixed, "refused", "mixes units", "mm", "cm", "row 22")
    corpus.add("unit-in-one-cell", corpus.put(30, "2.5 mm"), "refused", "row 32", "'2.5 mm'", "unit out of the cells")
    corpus.add("word-in-a-cell", corpus.put(30, "off"), "refused", "row 32", "'off'", "not a number")


def _columns(corpus: Corpus) -> None:
    table = corpus.table
    corpus.add("time-misspelt", table, "refused", "'time' is missing", time="time")
    corpus.add("state-misspelt", table, "refused", "'X1' is missing", states=["X1"])
    corpus.add("named-twice", table, "refused", "'x' is named twice", states=["x", "x"])
    corpus.add("two-of-one-name", table.to_csv(index=False).replace("t,x,v", "t,x,x", 1), "refused", "more than once")
    strange = table.rename(columns={"t": "a"})
    corpus.add("time-called-a", strange, "repaired", "no column is called time", "'a', the first that rises")
    corpus.add("no-time-at-all", table[["x", "v"]], "refused", "no column of times", "time=")
    corpus.add("time-alone", table[["t"]], "refused", "no column of numbers beside the time")
    noted = table.assign(note="ok")
    corpus.add("a-column-of-text", noted, "repaired", "'note' left out", "text such as 'ok'")
    corpus.add("an-empty-column", table.assign(w=None), "repaired", "'w' left out: it is empty")
    corpus.add("a-row-counter", table.reset_index(), "repaired", "'index' left out: it counts the rows")
    dated = table.assign(date="2024-01-01")
    corpus.add("two-times", dated, "repaired", "'date' left out: a second column of times")
    wide = pd.concat([table] + [table["x"].rename(f"y{k}") for k in range(20)], axis=1)
    corpus.add("too-many-states", wide, "refused", "22 columns of numbers", "states=")
    corpus.add("states-named", wide, "clean", states=["x", "v"])


def _times(corpus: Corpus) -> None:
    table = corpus.table
    corpus.add("negative-times", oscillation(start=-9.0), "clean")
    swapped = table.copy()
    swapped.iloc[[20, 21]] = swapped.iloc[[21, 20]].to_numpy()
    corpus.add("two-rows-swapped", swapped, "repaired", "1 point out of order sorted")
    corpus.add("time-runs-backwards", table[::-1], "repaired", "turned round")
    corpus.add("shuffled", table.sample(frac=1, random_state=0), "refused", "time goes back", "run=")
    again = pd.concat([table[:31], table[30:]])
    corpus.add("a-row-repeated", again, "repaired", "1 repeated point dropped", "time 3.0508")
    other = again.reset_index(drop=True)
    other.loc[31, "x"] += 1
    corpus.add("a-time-twice-with-two-values", other, "refused", "stands twice with different 'x'")
    corpus.add("time-stands-still", table.assign(t=1.0), "refused", "stands twice")
    hours = table.assign(t=pd.date_range("2024-01-01", periods=60, freq="1h"))
    corpus.add("dates", hours, "repaired", "elapsed time since 2024-01-01 00:00:00, in h")
    corpus.add("dates-in-days", hours, "repaired", "in d", time_unit="d")
    corpus.add("unknown-time-unit", hours, "refused", "time_unit='week'", time_unit="week")
    corpus.add("a-date-unreadable", hours.assign(t=hours["t"].astype(str).where(hours.index != 9, "soon")),
               "repaired", "1 row without a value dropped", points=59)  # fmt: skip
    corpus.add("time-missing-in-a-row", corpus.put(10, None, "t"), "repaired", "1 row without a value", points=59)


def _values(corpus: Corpus) -> None:
    table = corpus.table
    corpus.add("empty-cells", corpus.put([5, 6, 7], None), "repaired", "3 rows without a value dropped", points=57)
    corpus.add("nan-and-na", corpus.put([5, 6], "NA"), "repaired", "2 rows without a value dropped", points=58)
    corpus.add("mostly-empty", corpus.put(range(50), None), "refused", "50 rows of 60 lack a value", "'x'")
    corpus.add("infinite", corpus.put(5, "inf"), "refused", "row 7", "infinite")
    corpus.add("sentinels", corpus.put([5, 6], -9999), "repaired", "-9999, far outside", points=58)
    corpus.add("constant-state", table.assign(v=3.5), "repaired", "'v' is 3.5 at all times", "nothing of its law")
    corpus.add("all-constant", table.assign(v=3.5, x=0.0), "repaired", "'x' is 0 at all times")
    blown = table.astype(float)
    blown.loc[50:, "x"] = 10.0 ** np.arange(12, 22)
    corpus.add("blow-up", blown, "repaired", "blows up", "cut before, 50 points", points=50)
    blown.loc[50:, "x"] *= np.cos(np.pi * np.arange(10))
    corpus.add("blow-up-that-swings", blown, "repaired", "blows up", points=50)
    blown = table.astype(float)
    blown.loc[30, "x"] = 1e12
    corpus.add("a-spike", blown, "refused", "and comes back", "time 3.05")
    switched = table.assign(on=table.index % 2 == 0)
    corpus.add("true-and-false", switched, "repaired", "'on' left out: it holds text such as 'True'")
    corpus.expect("true-and-false-in-a-frame", switched, "repaired", "'on' left out: it holds bool")


def _several(corpus: Corpus) -> None:
    table = corpus.table
    second = table.assign(x=table["x"] * 1.5)
    stacked = pd.concat([table, second])
    corpus.add("two-runs-stacked", stacked, "repaired", "time starts over 1 time, read as 2 runs", runs=2, points=120)
    named = pd.concat([table.assign(run="a"), second.assign(run="b")])
    corpus.add("two-runs-named", named, "repaired", "runs told apart by 'run'", runs=2, points=120)
    mixed = named.sort_values("t", kind="stable").rename(columns={"run": "cage"})
    corpus.add("runs-mixed", mixed.drop(columns="cage"), "refused", "stands twice", "run=")
    corpus.add("runs-mixed-and-named", mixed, "clean", run="cage", runs=2, points=120)
    short = pd.concat([named, table[:3].assign(run="c")])
    corpus.add("one-run-short", short, "repaired", "too short", "run c (3 points)", runs=2, points=120)
    corpus.add("other-states", second.rename(columns={"v": "w"}), "clean")
    pair = [corpus.folder / "clean.csv", corpus.folder / "clean.parquet"]
    corpus.expect("two-files", pair, "clean", runs=2, points=120)
    unlike = [corpus.folder / "clean.csv", corpus.folder / "other-states.csv"]
    corpus.expect("two-files-unlike", unlike, "refused", "runs of one system have the same states", "x, w")


def _sizes(corpus: Corpus) -> None:
    corpus.add("one-point", corpus.table[:1], "refused", "1 point", "too little")
    corpus.add("five-points", corpus.table[:5], "refused", "5 points", "too little")
    corpus.add("few-points-allowed", corpus.table, "refused", "max_points=3", max_points=3)
    many = np.linspace(0, 100, 1_000_000)
    states = np.stack([np.sin(many), np.cos(many)], 1)
    corpus.expect(
        "a-million-points", (many, states), "repaired", "1,000,000 points thinned to every 200th", points=5000
    )


def _memory(corpus: Corpus) -> None:
    table = corpus.table
    corpus.expect("frame", table, "clean")
    corpus.expect("frame-with-times-in-the-index", table.set_index("t"), "clean")
    corpus.expect("frame-with-an-unnamed-index", table.set_index("t").rename_axis(index=None), "clean")
    corpus.expect("dataset", table.set_index("t").to_xarray(), "clean")
    array = xr.DataArray(table[["x", "v"]].to_numpy(), dims=("time", "state"), name="q",
                         coords={"time": table["t"].to_numpy(), "state": ["x", "v"]})  # fmt: skip
    corpus.expect("array-of-time-and-state", array, "clean")
    both = xr.concat([array, array * 2], dim="run")
    corpus.expect("array-of-run-time-and-state", both, "repaired", "runs told apart by 'run'", runs=2, points=120)
    corpus.expect("arrays", (table["t"].to_numpy(), table[["x", "v"]].to_numpy()), "clean")
    corpus.expect("one-array", table.to_numpy(), "clean")
    corpus.expect("one-flat-array", table["x"].to_numpy(), "refused", "time first")
    corpus.expect("arrays-unlike", (np.arange(9.0), np.arange(8.0)), "refused", "(9,), states (8, 1)")
    corpus.expect("arrays-of-text", (np.arange(9.0), np.array(["a"] * 9)), "refused", "no column of numbers")
    corpus.expect("nothing", [], "refused", "an empty list")
    corpus.expect("a-number", 3.0, "refused", "a float")
