"""Two short series from nature, entered as tables: measured, without a known law behind them."""

from dataclasses import dataclass
from importlib.resources import files

import pandas as pd

from ....shared.errors import InputError
from ....shared.reading.table import nearest
from ..trajectory import Trajectory


@dataclass(frozen=True, slots=True)
class Record:
    """Where a series comes from and what its numbers are."""

    file: str
    title: str
    time: str
    units: str
    source: str
    note: str


RECORDS = {
    "lynx-hare": Record(
        file="lynx_hare.csv",
        title="Pelts of snowshoe hare and Canada lynx, yearly, 1900 to 1920",
        time="year",
        units="thousands of pelts; time in years",
        source="Fur returns of the Hudson's Bay Company: D. A. MacLulich (1937), Fluctuations in the numbers of the "
        "varying hare, University of Toronto Press; C. Elton and M. Nicholson (1942), J. Animal Ecology 11, 215-244. "
        "Figures as tabled in courses after E. P. Odum, Fundamentals of Ecology; facts without copyright.",
        note="Pelts bought, no census: trapping, trade and regions stand between them and the animals.",
    ),
    "yeast": Record(
        file="yeast.csv",
        title="Growth of a yeast population, hourly over 18 hours",
        time="hour",
        units="amount of yeast as published; time in hours",
        source="T. Carlson (1913), Ueber Geschwindigkeit und Groesse der Hefevermehrung in Wuerze, Biochemische "
        "Zeitschrift 57, 313-334; as tabled by R. Pearl (1927), The growth of populations, Quarterly Review of "
        "Biology 2, 532-548. In the public domain.",
        note="Later tables differ in one value (640.8 or 640.9 at 14 h); 640.8 is the usual one.",
    ),
}


def record(name: str) -> Trajectory:
    """The run of one record, in its units; raises InputError for a name that is none of RECORDS."""
    if name not in RECORDS:
        raise InputError(f"no record is named {name!r}{nearest(name, RECORDS)}; known are {', '.join(RECORDS)}.")
    about = RECORDS[name]
    with files(__package__).joinpath("recorded", about.file).open(encoding="utf-8") as stream:
        table = pd.read_csv(stream)
    states = [column for column in table.columns if column != about.time]
    return Trajectory(table[about.time].to_numpy(float), table[states].to_numpy(float), tuple(states), name)
