"""Write the corpus of bad mains: small files of a house, each with one thing wrong, and what must come of it."""

import gzip
import pickle
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

DAYS = 4
CLOCK = "%Y-%m-%d %H:%M"


@dataclass(frozen=True)
class Case:
    """One file and what reading it must lead to."""

    name: str
    source: Any  # a path, or several
    expectation: Literal["clean", "repaired", "refused"]
    words: tuple[str, ...] = ()  # in one repair line, or in the line of the error
    options: dict[str, Any] = field(default_factory=dict)  # of read_house
    truth: pd.Series | None = None  # mean W by minute in UTC; NaN where no one can know it; None: not compared


def house_table(start: str = "2024-01-08", days: int = DAYS) -> pd.DataFrame:
    """Mains and kettle of one house by the minute, in W: base load, fridge, kettle; `time` is naive."""
    rng = np.random.default_rng(3)
    times = pd.date_range(start, periods=1440 * days, freq="1min")
    minute = np.arange(len(times))
    kettle = np.zeros(len(times))
    for day in range(days):
        for hour in (7, 13, 17, 21):
            begin = 1440 * day + 60 * hour + int(rng.integers(0, 50))
            kettle[begin : begin + 3] = (2100, 2200, 900)
    heater = 1200 * (minute % 1440 // 30 == 37)
    mains = 120 + 80 * (minute % 47 < 18) + heater + kettle + rng.normal(0, 3, len(times)).round(1)
    return pd.DataFrame({"time": times, "mains": mains.round(1), "kettle": kettle})


class Corpus:
    """A folder that fills with cases."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cases: list[Case] = []
        self.table = house_table()
        self.truth = self.true(self.table)

    @staticmethod
    def true(table: pd.DataFrame, rows: Any = ()) -> pd.Series:
        """The mains by time in UTC, unknown in these rows."""
        truth = table.set_index(table["time"].dt.tz_localize("UTC"))["mains"].astype(float)
        truth.iloc[list(rows)] = np.nan
        return truth

    def add(
        self,
        name: str,
        content: str | bytes | pd.DataFrame | Callable[[Path], object],
        *expected: str,
        truth: pd.Series | None = None,
        compared: bool = True,
        **options: Any,
    ) -> Path:
        """File `name`; `expected` is refused, repaired or clean and the words."""
        path = self.written(name, content)
        self.expect(name, path, *expected, truth=truth, compared=compared, **options)
        return path

    def expect(
        self,
        name: str,
        source: Any,
        *expected: str,
        truth: pd.Series | None = None,
        compared: bool = True,
        **options: Any,
    ) -> None:
        """A case of files that stand already."""
        if truth is None and compared and expected[0] != "refused":
            truth = self.truth
        options = {"unit": "W"} | options
        if options["unit"] is None:
            del options["unit"]
        self.cases.append(Case(name, source, expected[0], expected[1:], options, truth))  # type: ignore[arg-type]

    def written(self, name: str, content: str | bytes | pd.DataFrame | Callable[[Path], object]) -> Path:
        path = self.folder / (name if "." in name else f"{name}.csv")
        match content:
            case pd.DataFrame():
                content.to_csv(path, index=False, date_format=CLOCK)
            case str():
                path.write_text(content, encoding="utf-8", newline="")
            case bytes():
                path.write_bytes(content)
            case _:
                content(path)
        return path

    def text(self, **changes: Any) -> str:
        """The good table as CSV, written differently."""
        return self.table.to_csv(**{"index": False, "date_format": CLOCK, "lineterminator": "\n"} | changes)

    def put(self, rows: Any, value: object, column: str = "mains") -> pd.DataFrame:
        """The good table with other cells."""
        table = self.table.astype({column: object})
        table.loc[rows, column] = value
        return table


def write_corpus(folder: Path) -> list[Case]:
    """Write every file into `folder`: -> the cases."""
    corpus = Corpus(folder)
    for part in (_containers, _dialects, _columns, _units, _registers, _rates, _faults, _gaps, _clocks, _joined):
        part(corpus)
    return corpus.cases


def _containers(corpus: Corpus) -> None:
    table, text = corpus.table, corpus.text()
    corpus.add("clean", text, "clean")
    packed = gzip.compress(text.encode(), mtime=0)
    corpus.add("packed.csv.gz", packed, "clean")
    corpus.add("packed.gzip", packed, "clean")
    corpus.add("clean.parquet", table.to_parquet, "clean")
    corpus.add("cut-short.csv.gz", packed[: len(packed) // 2], "refused", "cannot be unpacked as gzip", "cut short")
    damaged = packed[:400] + b"\xff" * 40 + packed[440:]
    corpus.add("damaged.csv.gz", damaged, "refused", "cannot be unpacked as gzip")
    corpus.add("empty-inside.csv.gz", gzip.compress(b""), "refused", "is empty inside")
    corpus.add("pickle-inside.csv.gz", gzip.compress(pickle.dumps(table)), "refused", "pickles are never opened")
    corpus.add("plain-named.csv.gz", text, "refused", "is not gzip-compressed inside")
    corpus.add("packed-named-csv", packed, "refused", "gzip-compressed inside", "rename it to packed-named-csv.csv.gz")
    corpus.add("empty", b"", "refused", "is empty (0 bytes)")
    corpus.add("header-only", "time,mains\n", "refused", "no rows of data below its header")
    corpus.add("one-row", "time,mains\n2024-01-08 00:00,155\n", "refused", "has one row")
    corpus.add("pickled", pickle.dumps(table), "refused", "pickles are never opened")
    corpus.add("pickled.pkl", pickle.dumps(table), "refused", "cannot read .pkl")
    corpus.add("wrong-suffix.doc", text, "refused", "cannot read .doc")
    for suffix, write in (
        (".parquet", table.to_parquet),
        (".nc", lambda path: table.set_index("time").to_xarray().to_netcdf(path, engine="h5netcdf")),
        (".xlsx", lambda path: table.head(500).to_excel(path, index=False)),
    ):
        whole = corpus.written(f"whole{suffix}", write).read_bytes()
        corpus.add(f"cut-short{suffix}", whole[: len(whole) // 2], "refused", "cut short")
    dataset = table.set_index("time").to_xarray()
    dataset["mains"] = dataset["mains"] / 1000
    dataset["mains"].attrs["units"] = "kW"
    dataset["kettle"].attrs["units"] = "W"
    corpus.add("units-by-column.nc", lambda path: dataset.to_netcdf(path, engine="h5netcdf"), "clean", unit=None)
    corpus.expect("missing-file", corpus.folder / "claen.csv", "refused", "no file", "did you mean 'clean.csv'")


def _dialects(corpus: Corpus) -> None:
    text = corpus.text()
    corpus.add("semicolons-decimal-commas", corpus.text(sep=";", decimal=","), "repaired", "decimal commas", "'mains'")
    corpus.add("text-in-a-cell", text.replace("08 05:00,", "08 05:00,offline ", 1), "refused", "'offline", "row 302")
    corpus.add("unit-in-cells", text.replace("08 05:00,", "08 05:00,W ", 1), "refused", "row 302", "not a number")
    big = corpus.table.assign(mains=corpus.table["mains"] * 5)
    thousands = big.assign(mains=big["mains"].map("{:,.1f}".format))
    truth = corpus.true(big)
    corpus.add("thousands-separators", thousands, "repaired", "thousands separators", truth=truth)
    corpus.add("a-row-of-units", "time,mains,kettle\n,kW,kW\n" + _in_kw(corpus), "repaired", "mains in kW", unit=None)
    corpus.add("total-row", text + "Total,800000,1000\n", "repaired", "holds the total")
    corpus.add("cut-short", text[: text.rindex(",")], "refused", "cut short")


def _in_kw(corpus: Corpus) -> str:
    table = corpus.table.assign(mains=corpus.table["mains"] / 1000, kettle=corpus.table["kettle"] / 1000)
    return table.to_csv(index=False, header=False, date_format=CLOCK, float_format="%.6f")


def _columns(corpus: Corpus) -> None:
    table = corpus.table
    corpus.add("mains-misspelt", table, "refused", "'Mains' is missing", "did you mean 'mains'", mains="Mains")
    corpus.add("kettle-misspelt", table, "refused", "did you mean 'kettle'", appliances={"kettle": "ketle"})
    named = {"toaster": "kettle"}
    corpus.add("appliance-unknown", table, "refused", "no appliance is named 'toaster'", appliances=named)
    corpus.add("mains-is-also-kettle", table, "refused", "named twice", mains="kettle", appliances={"kettle": "kettle"})
    phases = table.assign(mains_1=table["mains"] - 50, mains_2=50.0).drop(columns="mains")
    corpus.add("two-phases", phases, "refused", "several columns could be the mains", "'mains_1', 'mains_2'")
    phases = table.assign(mains_1=table["mains"] - 50, mains_2=50.0 + table.index % 2 * 0).drop(columns="mains")
    phases.loc[::2, ["mains_1", "mains_2"]] += [-1.0, 1.0]
    corpus.add("two-phases-named", phases, "clean", mains=["mains_1", "mains_2"])
    strange = table.rename(columns={"mains": "x1"}).assign(x2=5.0)
    corpus.add("nothing-called-mains", strange, "refused", "no column is called as the mains", "--mains")
    only = table[["time", "mains"]].rename(columns={"mains": "reading"})
    corpus.add("the-only-column", only, "clean")
    loud = table.rename(columns={"mains": "AGGREGATE", "kettle": "KETTLE (W)"})
    corpus.add("names-in-capitals", loud, "clean")
    corpus.add("all-empty", corpus.put(slice(None), None), "refused", "'mains' have no values")
    corpus.add("constant", table.assign(mains=230.0), "refused", "230 in all 5,760 rows")
    corpus.add("all-zero", table.assign(mains=0.0), "refused", "0 in all 5,760 rows")
    twice = corpus.text().replace("time,mains,kettle", "time,mains,mains", 1)
    corpus.add("two-columns-of-one-name", twice, "refused", "stands more than once", mains="mains")
    under = table.assign(mains=table["mains"].where(table["kettle"] == 0, 700.0))
    corpus.add("kettle-above-mains", under, "repaired", "kettle takes more than the mains", truth=corpus.true(under))
    flagged = table.assign(Issues=(table.index // 100 == 3).astype(int))
    corpus.add(
        "issues-flagged", flagged, "repaired", "100 rows with 'Issues' set", truth=corpus.true(table, range(300, 400))
    )

    bare = table.assign(kettle=None)
    corpus.add("appliance-empty", bare, "repaired", "'kettle' has no values", "without kettle")
    both = table.assign(grid=table["mains"] - 20)
    corpus.add("mains-and-grid", both, "repaired", "mains read from 'mains', not from 'grid'")
    kettles = table.assign(kettle2=0.0)
    corpus.add("two-kettles", kettles, "refused", "several columns could be the kettle", "'kettle', 'kettle2'")
    corpus.add("volts-that-are-not-needed", table.assign(Voltage="n.v."), "clean")


def _units(corpus: Corpus) -> None:
    table, watts = corpus.table, corpus.table["mains"]
    kilo = table.assign(mains=watts / 1000, kettle=table["kettle"] / 1000)
    corpus.add("watts-unsaid", table, "repaired", "unit of 'mains' taken to be W: median", unit=None)
    corpus.add("kilowatts-unsaid", kilo, "repaired", "unit of 'mains' taken to be kW: median", unit=None)
    corpus.add("kilowatts-in-the-name", kilo.rename(columns={"mains": "mains_kw"}), "clean", unit=None)
    corpus.add("kilowatts-said-watts-meant", table, "refused", "over 50 kW", "in another unit", unit="kW")
    corpus.add("unit-unknown", table, "refused", "unit 'MW'", "is not known", unit="MW")
    energy = table[["time"]].assign(mains=watts / 60000)
    corpus.add("kwh-per-minute", energy, "repaired", "kWh in each 1 min", unit="kWh")
    corpus.add(
        "wh-in-the-name",
        energy.assign(**{"energy (Wh)": watts / 60}).drop(columns="mains"),
        "repaired",
        "Wh in each 1 min",
        unit=None,
    )
    half = _means(table, 30)
    truth = _spread(half)
    stored = half.assign(mains=half["mains"] / 2000)
    corpus.add("half-hours-unsaid", stored, "refused", "kWh in each 30 min", "kW", "--unit", unit=None)
    corpus.add("half-hours-kwh", stored, "repaired", "kWh in each 30 min", unit="kWh", truth=truth)
    amps = table[["time"]].assign(current=watts / 230)
    corpus.add("amps-alone", amps, "refused", "no column is called voltage", "--voltage 230", unit="A")
    corpus.add("amps-at-230", amps, "repaired", "times 230 V", "power factor 1", unit="A", voltage=230)
    corpus.add("amps-at-12", amps, "refused", "12 V is none of a house", unit="A", voltage=12)
    volts = table[["time"]].assign(Voltage=240.0 + table.index % 3)
    volts["current"] = watts / volts["Voltage"]
    corpus.add("amps-and-volts", volts, "repaired", "the voltage in 'Voltage'", unit="A", mains="current")
    corpus.add("amps-at-typed-volts", amps, "repaired", "times 230 V", unit="A", voltage="230")
    corpus.add("unit-of-no-column", table, "refused", "'main' (did you mean 'mains'?)", unit={"main": "W"})
    corpus.add("apparent-power", table.rename(columns={"mains": "mains (kVA)"}), "refused", "apparent power", unit=None)
    middle = len(table) // 2
    mixed = table.assign(mains=np.where(table.index < middle, watts / 1000, watts).round(4))
    corpus.add("kilowatts-then-watts", mixed, "refused", "row 2882", "1,000 times", "unit seems to change")


def _means(table: pd.DataFrame, minutes: int) -> pd.DataFrame:
    means = table.set_index("time")[["mains"]].resample(f"{minutes}min").mean()
    return means.reset_index()


def _spread(means: pd.DataFrame) -> pd.Series:
    by_minute = means["mains"].repeat(30).to_numpy()
    return pd.Series(by_minute, pd.date_range(means["time"].iloc[0], periods=len(by_minute), freq="1min", tz="UTC"))


def _registers(corpus: Corpus) -> None:
    table, watts = corpus.table, corpus.table["mains"]
    turned = 15000 + np.r_[0.0, watts.cumsum()[:-1] / 60000]
    register = table[["time"]].assign(mains=turned)
    last = corpus.true(table, [len(table) - 1])[:-1]
    corpus.add("register", register, "repaired", "register in kWh", "differences", unit="kWh", truth=last)
    corpus.add("register-unsaid", register, "repaired", "register 'mains' taken to be kWh", unit=None, truth=last)
    coarse = register.assign(mains=register["mains"].round(1))
    said = ("stands still in", "spread from one change to the next")
    corpus.add("register-of-tenths", coarse, "repaired", *said, unit="kWh", compared=False)
    corpus.add("register-said-watts", register, "refused", "only rises", "unit='kWh'", unit="W")
    reset = register.assign(mains=np.where(table.index < 3000, turned, turned - turned[3000]))
    unknown = corpus.true(table, [2999])[:-1].ffill()
    corpus.add("register-reset", reset, "repaired", "fell 1 time", "2024-01-10 02:00", unit="kWh", truth=unknown)


def _rates(corpus: Corpus) -> None:
    table = corpus.table
    seconds = pd.date_range("2024-01-08", periods=6 * 3600, freq="1s")
    fast = pd.DataFrame({"time": seconds.strftime("%Y-%m-%d %H:%M:%S"), "mains": np.repeat(table["mains"][:360], 60)})
    truth = corpus.truth[:360]
    corpus.add("one-second", fast, "repaired", "1 s apart averaged over steps of 1 min", truth=truth)
    keep = np.sort(np.random.default_rng(1).choice(len(fast), len(fast) // 7, replace=False))
    uneven = fast.iloc[np.r_[0, keep[keep > 0]]]
    corpus.add("seven-seconds-uneven", uneven, "repaired", "readings come unevenly", compared=False)
    changed = fast.loc[np.r_[True, fast["mains"].to_numpy()[1:] != fast["mains"].to_numpy()[:-1]]]
    corpus.add("only-changes", changed, "repaired", "gaps of up to 3 min", "bridged", truth=truth)
    half = _means(table, 30)
    corpus.add("half-hours", half, "repaired", "30 min apart spread evenly", truth=_spread(half))
    corpus.add("hours", _means(table, 60), "refused", "1 h apart", "30 min or finer")
    corpus.add("step-of-7-min", table, "refused", "does not divide a day", step="7min")
    far = table.astype({"time": str})
    far.loc[0, "time"] = "1924-01-08 00:00:00"
    corpus.add("a-year-mistyped", far, "refused", "correct a mistyped date", "1924-01-08")
    unix = table["time"].astype("datetime64[s]").astype("int64")
    corpus.add("epoch-seconds", table.assign(time=unix), "repaired", "seconds since 1970")
    corpus.add("epoch-milliseconds", table.assign(time=unix * 1000), "repaired", "milliseconds since 1970")


def _faults(corpus: Corpus) -> None:
    table = corpus.table
    shallow = corpus.truth.copy()
    shallow.iloc[[100, 2000]] = 0
    corpus.add(
        "a-little-negative",
        corpus.put([100, 2000], -2.5),
        "repaired",
        "2 readings",
        "negative",
        "set to 0",
        truth=shallow,
    )
    deep = corpus.truth.copy()
    deep.iloc[100] = np.nan
    corpus.add("one-deep-negative", corpus.put([100], -900.0), "repaired", "below -50 W", truth=deep.ffill())
    sun = 2500 * np.clip(np.sin((table.index % 1440 - 360) / 720 * np.pi), 0, None)
    corpus.add("solar-export", table.assign(mains=table["mains"] - sun), "refused", "the house exports", "generation")
    corpus.add("sign-turned", table.assign(mains=-table["mains"]), "refused", "change the sign")
    burst = corpus.truth.copy()
    burst.iloc[[700, 701]] = np.nan
    corpus.add("bursts", corpus.put([700, 701], 650000.0), "repaired", "2 readings", "over 50 kW", truth=burst.ffill())
    corpus.add(
        "bursts-unit-unsaid",
        corpus.put([700, 701], 650000.0),
        "repaired",
        "taken to be W",
        unit=None,
        truth=burst.ffill(),
    )
    sentinel = corpus.truth.copy()
    sentinel.iloc[[50, 51]] = np.nan
    corpus.add(
        "sentinels", corpus.put([50, 51], -9999.0), "repaired", "-9999", "taken as missing", truth=sentinel.ffill()
    )
    corpus.add("infinite", corpus.put([9], "inf"), "refused", "row 11", "infinite")


def _gaps(corpus: Corpus) -> None:
    table = corpus.table
    out = range(2000, 2100)
    corpus.add(
        "zeros-for-100-minutes",
        corpus.put(out, 0.0),
        "repaired",
        "1 run of exactly 0 W",
        "1 h 40 min",
        truth=corpus.true(table, out),
    )
    short = corpus.truth.copy()
    short.iloc[2000:2060] = 0
    corpus.add("zeros-for-60-minutes", corpus.put(range(2000, 2060), 0.0), "clean", truth=short)
    bridged = corpus.truth.copy()
    bridged.iloc[[500, 501, 502]] = bridged.iloc[499]
    corpus.add(
        "three-minutes-missing",
        corpus.put([500, 501, 502], None),
        "repaired",
        "1 gap",
        "bridged by the last value",
        truth=bridged,
    )
    corpus.add(
        "three-rows-missing", table.drop(index=[500, 501, 502]), "repaired", "bridged by the last", truth=bridged
    )
    four = range(500, 504)
    corpus.add(
        "four-minutes-missing",
        corpus.put(four, None),
        "repaired",
        "no mains in 0.1% of the steps",
        truth=corpus.true(table, four),
    )
    later = table.assign(time=table["time"].where(table.index < 2880, table["time"] + pd.Timedelta("90d")))
    corpus.add(
        "months-missing", later, "repaired", "the longest 90 d from 2024-01-10 00:00", truth=_true_on_grid(later)
    )


def _true_on_grid(table: pd.DataFrame) -> pd.Series:
    return Corpus.true(table).asfreq("1min")


def _clocks(corpus: Corpus) -> None:
    table = corpus.table
    moved = table.sample(frac=1, random_state=0)
    corpus.add("unsorted", moved, "repaired", "rows sorted by time")
    corpus.add("duplicates", pd.concat([table, table[60:90]]), "repaired", "30 duplicate rows dropped")
    other = pd.concat([table, table[60:90].assign(mains=1.0)])
    corpus.add("duplicates-that-differ", other, "refused", "stands twice with different 'mains'")
    meters = pd.concat([table.assign(meter="A"), table.assign(meter="B", mains=table["mains"] * 2)])
    corpus.add("two-meters", meters, "refused", "'meter' tells several meters apart")
    corpus.add("stamps-unreadable", corpus.text().replace("2024-01-09 04:00", "yesterday", 1), "refused", "'yesterday'")
    corpus.add("zone-unknown", table, "refused", "did you mean 'Europe/London'", zone="Europe/Londn")
    for name, day in (("spring", "2024-03-30"), ("autumn", "2024-10-26")):
        moments = house_table(day, 2).assign(time=pd.date_range(day, periods=2880, freq="1min", tz="Europe/London"))
        truth = pd.Series(moments["mains"].to_numpy(), pd.DatetimeIndex(moments["time"]).tz_convert("UTC"))
        local = moments.assign(time=moments["time"].dt.tz_localize(None))
        corpus.add(f"{name}-with-zone", local, "clean", truth=truth, zone="Europe/London")
        if name == "autumn":
            corpus.add("autumn-without-zone", local, "refused", "stands twice", "pass zone='Europe/London'")
        else:
            said = ("repaired", "the longest 1 h from 2024-03-31 01:00", "pass zone=")
            corpus.add("spring-without-zone", local, *said, truth=Corpus.true(local).asfreq("1min"))
    skipped = house_table("2024-03-30", 2)
    corpus.add("spring-that-never-was", skipped, "refused", "a time that never was", zone="Europe/London")
    later = house_table("2024-01-18").assign(Date=lambda t: t["time"].dt.strftime("%d/%m/%Y"))
    later["Time"] = later["time"].dt.strftime("%H:%M:%S")
    corpus.add("date-beside-clock", later.drop(columns="time"), "clean", truth=Corpus.true(later))
    offsets = table.assign(time=table["time"].dt.strftime("%Y-%m-%dT%H:%M:00+01:00"))
    truth = corpus.truth.set_axis(corpus.truth.index - pd.Timedelta("1h"))
    corpus.add("offsets", offsets, "clean", truth=truth)


def _joined(corpus: Corpus) -> None:
    table = corpus.table
    early, late = corpus.written("early", table[:3000]), corpus.written("late", table[3000:])
    corpus.expect("two-files", [late, early], "clean")
    over = corpus.written("overlap", table[2900:])
    corpus.expect("two-files-overlap", [early, over], "repaired", "100 duplicate rows dropped")
    differs = corpus.written("differs", table[2900:].assign(mains=table["mains"] + 5))
    corpus.expect("two-files-differ", [early, differs], "refused", "stands twice with different 'mains'")
    gap = corpus.written("after-a-gap", table[3100:])
    truth = corpus.true(table, range(3000, 3100))
    corpus.expect("two-files-apart", [early, gap], "repaired", "the longest 1 h 40 min", truth=truth)
    bare = corpus.written("without-kettle", table[3000:].drop(columns="kettle"))
    corpus.expect("two-files-other-columns", [early, bare], "refused", "without-kettle.csv", "'kettle'")
    kilo = corpus.written("kilowatts", table[3000:].assign(mains=table["mains"] / 1000))
    corpus.expect("two-files-other-units", [early, kilo], "refused", "kilowatts.csv", "in kW here", unit=None)
    corpus.expect("no-file", [], "refused", "no file is given")
