"""One thread, no screen, a simulated load for tests that need a user's file, and how a corpus of bad files is read."""

import os
import sys
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import pandas as pd


def pytest_configure() -> None:
    os.environ |= {"OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg"}  # for processes that tests start
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def simulated() -> Callable[..., "pd.DataFrame"]:
    """Load in MW that follows hour, weekday and temperature; `ahead` rows at the end have no load yet."""
    import numpy as np
    import pandas as pd

    def table(
        days: int = 84, step: str = "3h", start: str = "2023-01-02", zone: str = "UTC", ahead: int = 0, seed: int = 0
    ) -> pd.DataFrame:
        rng, width = np.random.default_rng(seed), pd.Timedelta(step)
        count = days * int(pd.Timedelta("1D") / width)
        times = pd.date_range(start, periods=count + ahead, freq=width, tz=zone)
        hour, weekend = 2 * np.pi * times.hour.to_numpy() / 24, times.dayofweek.to_numpy() >= 5
        temperature = 12 + 6 * np.sin(hour - 2) + np.cumsum(rng.normal(0, 0.5, len(times))).clip(-8, 8)
        load = 1000 + 150 * np.sin(hour - 1) + 40 * np.cos(2 * hour) - 120 * weekend - 9 * temperature
        load += rng.normal(0, 8, len(times))
        load[count:] = np.nan
        return pd.DataFrame({"time": times, "load": load, "temperature": temperature, "weekend": weekend})

    return table


@pytest.fixture(scope="session")
def write_cases(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], list[Any]]:
    """Run the `write_corpus` of a script that stands beside a test: the cases, their files written."""

    def write(script: Path) -> list[Any]:
        spec = spec_from_file_location(script.stem, script)
        assert spec is not None
        module = sys.modules[script.stem] = module_from_spec(spec)
        assert spec.loader is not None
        spec.loader.exec_module(module)
        return list(module.write_corpus(tmp_path_factory.mktemp(script.stem)))

    return write


@pytest.fixture(scope="session")
def handled() -> Callable[..., tuple[Any, str]]:
    """Read a case: (what was read or None, what is wrong with how it was handled or nothing).

    A refusal must be one line that ends in a full stop, is not longer than `longest`, names the file at most twice and
    has the words of the case; a repair must be said in one line with these words; a clean file is not repaired.
    """
    from labformer.shared.errors import InputError

    def handle(case: Any, read: Callable[[], Any], longest: int = 900) -> tuple[Any, str]:
        try:
            found = read()
        except InputError as error:
            line, path = str(error), str(getattr(case, "path", ""))
            if case.expectation != "refused":
                return None, f"refused: {line}"
            one = "\n" not in line and line.endswith(".") and len(line) < longest
            one = one and (not path or line.count(path) <= 2)
            right = one and all(word in line for word in case.words)
            return None, "" if right else f"says {line!r}, not {case.words}"
        except BaseException as error:
            return None, f"raised {type(error).__name__}: {error}"
        if case.expectation == "refused":
            return None, f"was read, with repairs {found.repairs}"
        told = (*found.repairs, *getattr(found, "odd", ()))  # what was changed, and what is strange and was left
        said = told if case.expectation == "repaired" else ["" for _ in [0] if not told]
        if not any(all(word in line for word in case.words) for line in said):
            return found, f"repairs are {told}, not {case.words}"
        return found, ""

    return handle
