"""Write the corpus of bad input: small files, each with one thing wrong, and what must come of it."""

import gzip
import pickle
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

DAYS = 75  # 1 January to 15 March 2024, 29 February among them
CLOCK = "%Y-%m-%d %H:%M"


@dataclass(frozen=True)
class Case:
    """One file and what reading it must lead to."""

    name: str
    path: Path
    expectation: Literal["clean", "repaired", "refused"]
    words: tuple[str, ...] = ()  # in one repair line, or in the line of the error
    options: dict[str, Any] = field(default_factory=dict)  # of read_load
    truth: pd.Series | None = None  # load by time in UTC; NaN where no one can know it


def load_table(days: int = DAYS, step: str = "1h", start: str = "2024-01-01") -> pd.DataFrame:
    """Load of one meter in MW and the temperature; `time` is naive."""
    rng = np.random.default_rng(0)
    times = pd.date_range(start, periods=int(pd.Timedelta(days, "D") / pd.Timedelta(step)), freq=step)
    turn = 2 * np.pi * (times.hour + times.minute / 60) / 24
    load = 4000 + 900 * np.sin(turn - 2) + 150 * np.cos(2 * turn) - 400 * (times.dayofweek >= 5)
    return pd.DataFrame(
        {
            "time": times,
            "load": (load + rng.normal(0, 40, len(times))).round(1),
            "temperature": (8 + 5 * np.sin(turn - 2.5) + rng.normal(0, 1, len(times))).round(2),
        }
    )


class Corpus:
    """A folder that fills with cases."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cases: list[Case] = []
        self.table = load_table()
        self.truth = self.table.set_index(self.table["time"].dt.tz_localize("UTC"))["load"]

    def add(
        self,
        name: str,
        content: str | bytes | pd.DataFrame | Callable[[Path], object],
        *expected: str,
        truth: pd.Series | None = None,
        **options: Any,
    ) -> None:
        """File `name`; `expected` is refused, repaired or clean (then the truth must come out) and the words."""
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
        if truth is None and expected[0] != "refused":
            truth = self.truth
        self.cases.append(Case(name, path, expected[0], expected[1:], {"targets": "load"} | options, truth))  # type: ignore[arg-type]

    def text(self, **changes: Any) -> str:
        """The good table as CSV, written differently."""
        return self.table.to_csv(**{"index": False, "date_format": CLOCK, "lineterminator": "\n"} | changes)

    def put(self, column: str, rows: Any, value: object) -> pd.DataFrame:
        """The good table with other cells."""
        table = self.table.astype({column: object})
        table.loc[rows, column] = value
        return table

    def without(self, rows: Any) -> pd.Series:
        """The truth where these rows cannot be known."""
        truth = self.truth.copy()
        truth.iloc[rows] = np.nan
        return truth


def write_corpus(folder: Path) -> list[Case]:
    """Write every file into `folder`: -> the cases."""
    corpus = Corpus(folder)
    for part in (_containers, _dialects, _rows, _columns, _stamps, _clocks, _values, _workbooks):
        part(corpus)
    return corpus.cases


def _containers(corpus: Corpus) -> None:
    table, text = corpus.table, corpus.text()
    corpus.add("clean", text, "clean")
    corpus.add("clean.parquet", table.to_parquet, "clean")
    corpus.add("empty", b"", "refused", "is empty (0 bytes)")
    corpus.add("blank", "\n\n", "refused", "no rows of data")
    corpus.add("header-only", "time,load\n", "refused", "no rows of data below its header")
    corpus.add("one-row", "time,load\n2024-01-01,5\n", "refused", "has one row")
    corpus.add("binary", b"time,load\n\0\0\0,1\n", "refused", "is a binary file")
    corpus.add("windows-1252", text.replace("load", "L\u00e4st").encode("cp1252"), "refused", "line 1", "0xe4", "iconv")
    corpus.add("utf-16", text.encode("utf-16"), "refused", "UTF-16", "UTF-8")
    corpus.add("gzipped", gzip.compress(text.encode(), mtime=0), "refused", "gzip")
    corpus.add("pickled", pickle.dumps(table), "refused", "pickle")
    corpus.add("wrong-suffix.doc", text, "refused", "cannot read .doc")
    corpus.add("cut-short", text[: text.rindex(",")], "refused", "Row #1801", "cut short")
    corpus.add("quotation-open", text.replace("01:00,", '01:00,"', 1), "refused", "not a whole CSV table", truth=None)
    wide = ",".join(f"c{place}" for place in range(10**6))
    corpus.add("million-columns-one-line", wide, "refused", "no rows of data")
    corpus.add("million-columns", f"{wide}\n{'1,' * (10**6 - 1)}1\n", "refused", "1,000,000 columns", "across")
    for suffix, write in (
        (".parquet", table.to_parquet),
        (".nc", lambda path: table.set_index("time").to_xarray().to_netcdf(path, engine="h5netcdf")),
        (".xlsx", lambda path: table.head(200).to_excel(path, index=False)),
    ):
        write(corpus.folder / f"whole{suffix}")
        whole = (corpus.folder / f"whole{suffix}").read_bytes()
        corpus.add(f"cut-short{suffix}", whole[: len(whole) // 2], "refused", "cut short")
        corpus.add(f"disguised-as{suffix}", text, "refused", "cannot be read as")
        if suffix != ".xlsx":
            corpus.add(f"{suffix[1:]}-named-csv", whole, "refused", f"rename it to {suffix[1:]}-named-csv{suffix}")
    whole = (corpus.folder / "whole.nc").read_bytes()
    damaged = whole[:183] + bytes(range(13)) + whole[196:1068] + b"\xff" * 7 + whole[1075:]
    corpus.add("damaged.nc", damaged, "refused", "cannot be read as NetCDF")
    grid = table.head(48).assign(x=0).set_index(["time", "x"]).to_xarray()
    corpus.add("grid.nc", lambda path: grid.to_netcdf(path, engine="h5netcdf"), "refused", "choose a point")


def _dialects(corpus: Corpus) -> None:
    text, table = corpus.text(), corpus.table
    names = "time,load,temperature\n"
    corpus.add("semicolon", corpus.text(sep=";"), "clean")
    corpus.add("semicolon-decimal-comma", corpus.text(sep=";", decimal=","), "repaired", "decimal commas", "'load'")
    corpus.add("decimal-comma-quoted", corpus.text(decimal=","), "repaired", "decimal commas")
    corpus.add(
        "decimal-comma-unquoted", corpus.text(sep=";", decimal=",").replace(";", ","), "refused", "decimal comma"
    )
    corpus.add("tab.tsv", corpus.text(sep="\t"), "clean")
    corpus.add("bar.txt", corpus.text(sep="|"), "clean")
    corpus.add("bom-and-windows-lines", "\ufeff" + text.replace("\n", "\r\n"), "clean")
    corpus.add("old-mac-lines", text.replace("\n", "\r"), "clean")
    corpus.add("quoted-numbers", corpus.text(quoting=1), "clean")
    spelled = table["load"].map("{:,.1f}".format)
    corpus.add("thousands-separators", table.assign(load=spelled), "repaired", "thousands separators", "'load'")
    german = spelled.str.translate(str.maketrans(",.", ".,"))
    corpus.add("thousands-german", table.assign(load=german).to_csv(index=False, sep=";"), "repaired", "decimal commas")
    corpus.add("thousands-blank", table.assign(load=spelled.str.replace(",", "\u202f")), "repaired", "thousands")
    whole = table["load"].round().map("{:,.0f}".format)
    corpus.add("thousands-or-decimals", table.assign(load=whole), "refused", "two ways", "'load'")
    pointed = (table["load"] - 3200).clip(10).round().map("{:,.0f}".format).str.replace(",", ".")
    corpus.add("points-for-thousands", table.assign(load=pointed), "refused", "point may separate thousands")
    corpus.add("separator-at-row-ends", names + text.split("\n", 1)[1].replace("\n", ",\n"), "clean")
    corpus.add("separator-at-all-ends", text.replace("\n", ",\n"), "clean")
    corpus.add("preamble", "Meter 17\nExported 2024-03-16\n\n" + text, "repaired", "3 lines above the header")
    corpus.add("comments", "# made by a logger, in UTC\n# MW, degC\n" + text, "repaired", "2 lines above the header")
    corpus.add("units-row", text.replace(names, names + ",MW,\u00b0C\n"), "repaired", "row 2 left out", "load in MW")
    halves = text.split("\n2024-02-01 00:00")
    corpus.add(
        "header-again", halves[0] + "\n" + names + "2024-02-01 00:00" + halves[1], "repaired", "header again", "row 746"
    )
    corpus.add("totals-row", text + "Total,7391234.5,\n", "repaired", "last row left out", "total")
    corpus.add(
        "empty-rows", text.replace("\n2024-02-01 00:00", "\n,,\n,,\n2024-02-01 00:00") + ",,\n", "repaired", "empty"
    )
    corpus.add(
        "footer", text + "Source: the grid operator\n", "refused", "Row #1802", "expected 3 columns".capitalize()
    )
    corpus.add("no-header", text.replace(names, ""), "refused", "'load' is missing", "row of names")
    corpus.add("header-twice-the-name", text.replace("temperature", "load", 1), "refused", "more than once")


def _rows(corpus: Corpus) -> None:
    table, day = corpus.table, 24
    corpus.add(
        "short-gap", table.drop(index=[50, 51]), "repaired", "1 gap (2 rows) in load", truth=corpus.without([50, 51])
    )
    corpus.add("empty-cells", corpus.put("load", [70, 71], None), "repaired", "1 gap", truth=corpus.without([70, 71]))
    corpus.add("long-gap", table.drop(index=range(100, 130)), "refused", "2024-01-05 04:00", "--max-gap 2d")
    corpus.add("month-missing", table.drop(index=range(15 * day, 45 * day)), "refused", "30 d", "2024-01-16 00:00")
    leap = list(range(59 * day, 60 * day))
    corpus.add("leap-day-dropped", table.drop(index=leap), "refused", "2024-02-29 00:00", "max_gap='24h'")
    corpus.add(
        "leap-day-dropped-and-filled",
        table.drop(index=leap),
        "repaired",
        "(24 rows)",
        truth=corpus.without(leap),
        max_gap="1d",
    )
    corpus.add("duplicates", pd.concat([table, table.iloc[[4, 9]]]), "repaired", "2 duplicate rows dropped")
    other = table.iloc[[200]].assign(load=1.0)
    corpus.add("duplicate-of-another-value", pd.concat([table, other]), "refused", "2024-01-09 08:00 stands twice")
    corpus.add("shuffled", table.sample(frac=1, random_state=0), "repaired", "rows sorted by time")
    corpus.add("newest-first", table.iloc[::-1], "repaired", "rows sorted by time")
    finer = load_table(20, "30min", "2024-03-16")
    corpus.add("step-changes", pd.concat([table, finer]), "refused", "30 min apart from 2024-03-16 00:00", "1 h")
    corpus.add(
        "step-irregular", corpus.put("time", [30], "2024-01-02 06:07"), "refused", "2024-01-02 06:07", "steps of 1 h"
    )
    corpus.add("year-mistyped", corpus.put("time", [1799], "2204-03-15 23:00"), "refused", "nothing stands between")
    two = pd.concat([table.assign(meter="A"), table.assign(meter="B", load=table["load"] * 1.7)])
    corpus.add("two-meters", two.sort_values("time", kind="stable"), "refused", "column 'meter'", "'A', 'B'")
    corpus.add("two-meters-one-below-the-other", two, "refused", "column 'meter'", "keep the rows of one")
    bare = two.sort_values("time", kind="stable").drop(columns="meter")
    corpus.add("two-meters-unnamed", bare, "refused", "2 rows with different values", "several meters")


def _columns(corpus: Corpus) -> None:
    table = corpus.table
    corpus.add("column-missing", table.rename(columns={"load": "Laod"}), "refused", "'load' is missing", "mean 'Laod'")
    corpus.add("no-time", table.drop(columns="time"), "refused", "no column reads as times")
    corpus.add("covariate-ends", table.assign(temperature=table["temperature"].head(1700)), "refused", "'temperature'",
               "missing from 2024-03-11 20:00", past_covariates="temperature")  # fmt: skip
    corpus.add("two-times", table.assign(cet_time=table["time"]).rename(columns={"time": "utc_time"}), "refused",
               "several columns read as times", "'utc_time', 'cet_time'")  # fmt: skip
    clock = table["time"].dt
    spread = pd.DataFrame({part.title(): getattr(clock, part) for part in ("year", "month", "day", "hour")})
    spread = spread.assign(load=table["load"])
    corpus.add("year-month-day-hour", spread, "clean")
    numbered = spread.assign(Hour=spread["Hour"] + 1)
    corpus.add("hours-1-to-24", numbered, "repaired", "hours 1 to 24 in 'Hour'", "begin at 0:00")
    corpus.add("years-anonymous", numbered.assign(Year=1), "refused", "years 1 to 1", "first_year=2020")
    corpus.add("years-given", numbered.assign(Year=1), "repaired", "2024 to 2024", "weekdays", first_year=2024)
    corpus.add("years-given-no-leap", numbered.assign(Year=1), "refused", "month 2, day 29", first_year=2023)
    halves = pd.concat([spread.assign(Minute=0), spread.assign(Minute=30)])
    both = pd.concat([corpus.truth, corpus.truth.set_axis(corpus.truth.index + pd.Timedelta("30min"))]).sort_index()
    corpus.add("year-to-minute", halves, "repaired", "rows sorted", truth=both)
    pair = pd.DataFrame({"Date": clock.strftime("%Y-%m-%d"), "Hour": clock.hour + 1, "load": table["load"]})
    corpus.add("date-and-hours-1-to-24", pair, "repaired", "hours 1 to 24", time=("Date", "Hour"))
    corpus.add("hour-25", pair.assign(Hour=pair["Hour"] + 1), "refused", "'Hour' is 25", time=("Date", "Hour"))


def _stamps(corpus: Corpus) -> None:
    table, clock = corpus.table, corpus.table["time"].dt

    def stamped(times: object) -> pd.DataFrame:
        return table.assign(time=times)

    corpus.add("day-first", stamped(clock.strftime("%d/%m/%Y %H:%M")), "clean")
    corpus.add("month-first", stamped(clock.strftime("%m/%d/%Y %I:%M %p")), "clean")
    early = clock.day <= 12
    corpus.add("day-or-month-by-steps", stamped(clock.strftime("%d/%m/%Y %H:%M")).head(12 * 24), "repaired",
               "read as day/month", truth=corpus.truth.head(12 * 24))  # fmt: skip
    corpus.add(
        "day-or-month", stamped(clock.strftime("%d/%m/%Y %H:%M")).iloc[24 * 34 : 24 * 35], "refused", "day/month"
    )
    mixed = np.where(early, clock.strftime("%m/%d/%Y %H:%M"), clock.strftime(CLOCK))
    corpus.add("formats-mixed", stamped(mixed), "refused", "row 2 has no readable time", "01/01/2024")
    corpus.add("stamp-missing", corpus.put("time", [30], ""), "refused", "row 32 has no readable time")
    corpus.add("stamp-of-no-day", corpus.put("time", [30], "2024-02-30 00:00"), "refused", "row 32", "2024-02-30")
    corpus.add("offsets-mixed", corpus.put("time", [30], "2024-01-02 06:00+01:00"), "refused", "offset from UTC")
    ends = table["time"] + pd.Timedelta("1h")
    midnight = (ends.dt.hour == 0).to_numpy()
    late = np.where(midnight, clock.strftime("%Y-%m-%d 24:00"), ends.dt.strftime(CLOCK))
    later = corpus.truth.set_axis(corpus.truth.index + pd.Timedelta("1h"))
    corpus.add("stamps-at-period-end", stamped(late), "repaired", "24:00", "not shifted", truth=later)
    serial = (table["time"] - pd.Timestamp("1899-12-30")) / pd.Timedelta("1D")
    corpus.add("spreadsheet-serials", stamped(serial.round(6)), "repaired", "days of a spreadsheet")
    seconds = (table["time"] - pd.Timestamp("1970-01-01")) // pd.Timedelta("1s")
    corpus.add("epoch-seconds", stamped(seconds), "repaired", "seconds since 1970")
    corpus.add("epoch-milliseconds", stamped(1000 * seconds), "repaired", "milliseconds since 1970")
    corpus.add("compact-hours", stamped(clock.strftime("%Y%m%d%H")), "repaired", "2024013123")
    corpus.add("row-numbers-for-times", stamped(np.arange(len(table))), "refused", "no times", time="time")


def _clocks(corpus: Corpus) -> None:
    def wall(start: str, zone: str, form: str = CLOCK) -> tuple[pd.DataFrame, pd.Series]:
        table = load_table(20, start=start)
        times = table["time"].dt.tz_localize("UTC")
        return table.assign(time=times.dt.tz_convert(zone).dt.strftime(form)), table.set_index(times)["load"]

    spring, spring_truth = wall("2024-03-21", "Europe/London")
    autumn, autumn_truth = wall("2024-10-17", "Europe/London")
    zone = {"zone": "Europe/London"}
    corpus.add("spring-with-zone", spring, "clean", truth=spring_truth, **zone)
    corpus.add("autumn-with-zone", autumn, "clean", truth=autumn_truth, **zone)
    written = spring_truth.set_axis(pd.to_datetime(spring["time"]).dt.tz_localize("UTC")).asfreq("h")
    corpus.add("spring-without-zone", spring, "repaired", "2024-03-31 01:00", "pass zone=", truth=written)
    corpus.add("autumn-without-zone", autumn, "refused", "2024-10-27 01:00 stands twice", "pass zone=")
    at = int(np.flatnonzero(spring["time"] == "2024-03-31 00:00")[0])
    hole = pd.DataFrame({"time": ["2024-03-31 01:00"], "load": [4000.0], "temperature": [5.0]})
    never = pd.concat([spring[: at + 1], hole, spring[at + 1 :]])
    corpus.add("hour-that-never-was", never, "refused", f"row {at + 3} says 2024-03-31 01:00", "never was", **zone)
    never = pd.concat([spring[: at + 1], hole.assign(load=np.nan), spring[at + 1 :]])
    corpus.add("hour-that-never-was-empty", never, "repaired", "1 empty row dropped", truth=spring_truth, **zone)
    once = autumn[~autumn["time"].duplicated()]
    known = autumn_truth.copy()
    known["2024-10-27 01:00"] = np.nan
    corpus.add("doubled-hour-once", once, "repaired", "1 time found once", truth=known, **zone)
    lettered, truth = wall("2024-10-17", "Europe/Berlin", "%d.%m.%Y %H:%M %Z")
    corpus.add("zone-letters", lettered, "repaired", "CEST read as UTC+2", "CET read as UTC+1", truth=truth)
    unclear, _ = wall("2024-10-17", "Asia/Kolkata", f"{CLOCK} IST")
    corpus.add("zone-letters-unclear", unclear, "refused", "zone is not clear", "offset from UTC")
    corpus.add("zone-mistyped", spring, "refused", "no time zone", "Europe/London", zone="Europe/Lodnon")


def _values(corpus: Corpus) -> None:
    table, some = corpus.table, [100, 400, 401, 1500]
    load = table["load"].to_numpy()
    for sentinel in (-9999.0, -999.0, 99999.0, 1e20):
        changed, words = corpus.put("load", some, sentinel), ("4 cells", f"{sentinel:g}", "taken as missing")
        corpus.add(f"sentinel-{sentinel:g}", changed, "repaired", *words, truth=corpus.without(some))
    corpus.add(
        "sentinel-for-days", corpus.put("load", slice(300, 330), -9999), "refused", "no values", "taken as missing"
    )
    corpus.add("sentinel-in-covariate", corpus.put("temperature", some, -999), "repaired", "'temperature'",
               past_covariates="temperature")  # fmt: skip
    near = corpus.put("load", some, 4999.0)
    corpus.add("no-sentinel", near, "clean", truth=near.set_index(corpus.truth.index)["load"].astype(float))
    corpus.add("infinite", corpus.put("load", [30], "inf"), "refused", "row 32", "infinite")
    corpus.add("text-in-numbers", corpus.put("load", [30], "broken"), "refused", "row 32", "'broken', not a number")
    corpus.add("unit-in-cells", corpus.put("load", [30], "4000 MW"), "refused", "row 32", "keep the unit out")
    corpus.add("constant", table.assign(load=5.0), "refused", "constant (5 in 1,800 rows)")
    corpus.add("no-values", table.assign(load=None), "refused", "has no values")
    for name, factor, said in (("kw", 1e3, "1,000 times"), ("gw", 1e-3, "1/1,000 of"), ("mj", 3.6, "3.6 times")):
        changed = table.assign(load=np.where(np.arange(len(table)) < 900, load, load * factor))
        corpus.add(f"unit-changes-to-{name}", changed, "refused", "row 902 (2024-02-07 12:00)", said)
    shorter = table.assign(load=np.where(np.arange(len(table)) < 1764, load, load * 1e3))
    corpus.add("unit-changes-near-the-end", shorter, "refused", "row 1766", "1,000 times")
    stopped = table.assign(load=np.where(np.arange(len(table)) < 900, load, 400 + load % 17))
    corpus.add("level-falls-for-good", stopped, "clean", truth=stopped.set_index(corpus.truth.index)["load"])
    for name, value, rows, said in (
        ("negative-load", -12.5, [30, 31], "2 values of 'load' below zero"),
        ("outage", 0.0, slice(500, 529), "stands still at 0 for 1 d 6 h"),
        ("stuck-meter", 4321.0, slice(500, 519), "stands still at 4321 for 20 h from 2024-01-21 20:00"),
    ):
        kept = corpus.put("load", rows, value)
        truth = kept.set_index(corpus.truth.index)["load"].astype(float)
        corpus.add(name, kept, "repaired", said, "kept as measured", truth=truth)
    sun = table.assign(load=np.maximum(np.sin((table["time"].dt.hour - 6) / 12 * np.pi), 0) * load)
    corpus.add("nights-without-sun", sun, "clean", truth=sun.set_index(corpus.truth.index)["load"])


def _workbooks(corpus: Corpus) -> None:
    table = corpus.table.head(10 * 24)
    truth = corpus.truth.head(10 * 24)

    def book(**sheets: pd.DataFrame | tuple[pd.DataFrame, int]) -> Callable[[Path], None]:
        def write(path: Path) -> None:
            with pd.ExcelWriter(path, engine="openpyxl") as writer:
                for name, sheet in sheets.items():
                    frame, above = sheet if isinstance(sheet, tuple) else (sheet, 0)
                    frame.to_excel(writer, sheet_name=name, index=False, startrow=above)
                    if above:
                        writer.sheets[name].cell(1, 1, "Load of the region, hourly means")

        return write

    notes = pd.DataFrame({"Variable": ["load"], "Meaning": ["load of the region in MW"]})
    corpus.add("sheet.xlsx", book(Data=table), "clean", truth=truth)
    corpus.add("sheet-with-notes-behind.xlsx", book(Data=table, Notes=notes), "clean", truth=truth)
    corpus.add("sheet-is-second.xlsx", book(Notes=notes, Data=table), "repaired", "sheet 'Data' read", truth=truth)
    corpus.add("sheets-alike.xlsx", book(January=table, February=table), "refused", "'January', 'February'", "keep one")
    corpus.add("sheets-of-nothing.xlsx", book(Data=pd.DataFrame()), "refused", "no rows of data")
    corpus.add(
        "sheets-without-column.xlsx", book(Notes=notes, More=notes), "refused", "'load' is missing", "'Variable'"
    )
    corpus.add("title-above.xlsx", book(Data=(table, 3)), "repaired", "3 lines above the header", truth=truth)
    texts = table.assign(time=table["time"].dt.strftime(CLOCK))
    corpus.add("dates-as-text.xlsx", book(Data=texts), "clean", truth=truth)
    units = pd.DataFrame({"time": [None], "load": ["MW"], "temperature": ["degC"]})
    corpus.add(
        "units-row.xlsx", book(Data=pd.concat([units, table.astype(object)])), "repaired", "load in MW", truth=truth
    )
    total = pd.DataFrame({"time": ["Total"], "load": [table["load"].sum()], "temperature": [None]})
    corpus.add("totals-row.xlsx", book(Data=pd.concat([table.astype(object), total])), "repaired", "total", truth=truth)
    broken = table.astype(object)
    broken.loc[17, "load"] = "n. a."
    corpus.add("text-in-numbers.xlsx", book(Data=broken), "refused", "row 19 of column 'load'", "'n. a.'")


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    for case in write_corpus(target):
        print(case.expectation, case.path, *case.words, sep="\t")
