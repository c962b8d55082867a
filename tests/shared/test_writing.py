"""Results are written whole or not at all."""

from pathlib import Path

import pandas as pd
import pytest
import xarray as xr

from labformer.shared.errors import InputError
from labformer.shared.writing import require_format, whole_file, whole_folder, write_labelled


def names(folder: Path) -> list[str]:
    return sorted(found.name for found in folder.iterdir())


def test_a_file_appears_only_when_it_is_complete(tmp_path: Path) -> None:
    with whole_file(tmp_path / "out.csv") as partial:
        partial.write_text("half")
        assert names(tmp_path) == ["out.csv.partial"]
    assert (tmp_path / "out.csv").read_text() == "half"
    assert names(tmp_path) == ["out.csv"]


def test_a_folder_appears_only_when_it_is_complete(tmp_path: Path) -> None:
    with whole_folder(tmp_path / "deep" / "run") as partial:
        (partial / "metrics.json").write_text("{}")
        assert names(tmp_path / "deep") == ["run.partial"]
    assert names(tmp_path / "deep") == ["run"]
    assert names(tmp_path / "deep" / "run") == ["metrics.json"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_nothing_half_written_stays(error: type[BaseException], tmp_path: Path) -> None:
    with pytest.raises(error), whole_file(tmp_path / "out.csv") as partial:
        partial.write_text("half")
        raise error
    with pytest.raises(error), whole_folder(tmp_path / "run") as partial:
        (partial / "metrics.json").write_text("{}")
        raise error
    assert names(tmp_path) == []


def test_a_file_that_was_never_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), whole_file(tmp_path / "out.csv"):
        pass
    assert names(tmp_path) == []


@pytest.mark.parametrize("writer", [whole_file, whole_folder])
def test_an_existing_target_needs_overwrite(writer: type[whole_file], tmp_path: Path) -> None:
    file, folder = tmp_path / "out.csv", tmp_path / "run"
    file.write_text("old")
    folder.mkdir()
    with pytest.raises(InputError, match="--overwrite"), writer(file if writer is whole_file else folder):
        raise AssertionError("the door must be shut before the work")
    assert file.read_text() == "old"


def test_overwriting_replaces_the_whole(tmp_path: Path) -> None:
    (tmp_path / "out.csv").write_text("old")
    with whole_file(tmp_path / "out.csv", overwrite=True) as partial:
        partial.write_text("new")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "old.json").write_text("old")
    with whole_folder(tmp_path / "run", overwrite=True) as partial:
        (partial / "new.json").write_text("new")
    assert (tmp_path / "out.csv").read_text() == "new"
    assert names(tmp_path / "run") == ["new.json"]
    assert names(tmp_path) == ["out.csv", "run"]


def test_the_old_target_survives_an_error(tmp_path: Path) -> None:
    (tmp_path / "out.csv").write_text("old")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "old.json").write_text("old")
    with pytest.raises(OSError, match="disk"), whole_file(tmp_path / "out.csv", overwrite=True) as partial:
        partial.write_text("new")
        raise OSError("the disk is full")
    with pytest.raises(OSError, match="disk"), whole_folder(tmp_path / "run", overwrite=True) as partial:
        (partial / "new.json").write_text("new")
        raise OSError("the disk is full")
    assert (tmp_path / "out.csv").read_text() == "old"
    assert names(tmp_path / "run") == ["old.json"]
    assert names(tmp_path) == ["out.csv", "run"]


def test_the_old_folder_comes_back_when_the_last_rename_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "old.json").write_text("old")
    rename = Path.rename

    def refuse_the_partial(path: Path, target: Path) -> Path:
        if path.name.endswith(".partial"):
            raise OSError("no rename today")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuse_the_partial)
    with pytest.raises(OSError, match="no rename"), whole_folder(tmp_path / "run", overwrite=True) as partial:
        (partial / "new.json").write_text("new")
    assert names(tmp_path / "run") == ["old.json"]
    assert names(tmp_path) == ["run"]


def test_what_an_earlier_run_left_half_written_is_cleared(tmp_path: Path) -> None:
    (tmp_path / "run.partial").mkdir()
    (tmp_path / "run.partial" / "stale.json").write_text("stale")
    with whole_folder(tmp_path / "run") as partial:
        (partial / "new.json").write_text("new")
    assert names(tmp_path / "run") == ["new.json"]


def test_a_target_of_the_wrong_kind_is_refused_even_with_overwrite(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file")
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="not a folder"), whole_folder(tmp_path / "file", overwrite=True):
        raise AssertionError
    with pytest.raises(InputError, match="not a file"), whole_file(tmp_path / "folder", overwrite=True):
        raise AssertionError
    with pytest.raises(InputError, match="does not exist"), whole_file(tmp_path / "nowhere" / "out.csv"):
        raise AssertionError


def test_a_dataset_is_written_by_suffix_as_itself_or_as_its_table(tmp_path: Path) -> None:
    dataset = xr.Dataset({"power": ("time", [1.5, 2.5])}, attrs={"units": "W"})

    def table(one: xr.Dataset) -> pd.DataFrame:
        return pd.DataFrame({"doubled": 2 * one["power"].values})

    for name in ("a.nc", "a.csv", "A.PARQUET"):
        write_labelled(dataset, table, tmp_path / name)
    with xr.open_dataset(tmp_path / "a.nc") as found:
        xr.testing.assert_identical(found, dataset)
    assert list(pd.read_csv(tmp_path / "a.csv")["doubled"]) == [3, 5]
    assert list(pd.read_parquet(tmp_path / "A.PARQUET")["doubled"]) == [3, 5]
    for refuse in (require_format, lambda path: write_labelled(dataset, table, path)):
        with pytest.raises(InputError, match=r"end the name in \.nc, \.csv, \.parquet"):
            refuse(tmp_path / "a.xls")
