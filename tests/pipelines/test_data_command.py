"""`labformer data list|fetch|check`, driven through its parser."""

import argparse
import hashlib
import json
from pathlib import Path

import pytest

from labformer.pipelines import data_command
from labformer.shared.datasets import catalogue
from labformer.shared.errors import InputError


@pytest.fixture(autouse=True)
def nothing_local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LABFORMER_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def typed(*words: str) -> int:
    parser = argparse.ArgumentParser()
    data_command.add_parser(parser.add_subparsers(dest="verb", required=True))
    return data_command.run(parser.parse_args(["data", *words]))


def test_the_list_has_one_line_a_data_set(capsys: pytest.CaptureFixture[str]) -> None:
    assert typed("list") == 0
    header, *lines = capsys.readouterr().out.splitlines()
    assert header.split() == ["NAME", "WHERE", "SIZE", "LICENCE", "TITLE"]
    assert [line.split()[0] for line in lines] == [data_set.name for data_set in catalogue.rows()]
    assert {line.split()[1] for line in lines} == {"embedded", "absent"}


def test_the_list_as_json_holds_every_field(capsys: pytest.CaptureFixture[str]) -> None:
    assert typed("list", "--json") == 0
    listed = {entry["name"]: entry for entry in json.loads(capsys.readouterr().out)}
    assert listed["etth1"]["licence"] == "CC BY-ND 4.0"
    assert listed["etth1"]["place"] == "absent"
    assert listed["weather"]["member"] == "weather/weather.csv"
    assert listed["england-wales-demand-2000"]["place"] == "embedded"


def test_fetching_prints_the_path_and_says_licence_and_citation_aside(capsys: pytest.CaptureFixture[str]) -> None:
    assert typed("fetch", "england-wales-demand-2000") == 0
    said = capsys.readouterr()
    assert Path(said.out.rstrip("\n")) == catalogue.locate("england-wales-demand-2000")
    assert "MIT" in said.err
    assert "Taylor (2003)" in said.err


def test_fetching_what_has_no_known_licence_asks_for_consent() -> None:
    with pytest.raises(InputError, match="--accept"):
        typed("fetch", "weather")


def test_accept_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, bool]] = []

    def fetch(name: str, accept: bool, progress: bool) -> Path:
        asked.append((name, accept))
        return Path("weather.csv")

    monkeypatch.setattr(catalogue, "fetch", fetch)
    typed("fetch", "weather", "--accept")
    typed("fetch", "etth1")
    typed("fetch", "ideal-65-*", "etth1", "ideal-65-2017-06")
    months = ["ideal-65-2017-06", "ideal-65-2018-02", "ideal-65-2018-04"]
    assert asked == [("weather", True), ("etth1", False), *((name, False) for name in [*months, "etth1"])]


def test_a_check_of_everything_passes_over_what_is_absent(capsys: pytest.CaptureFixture[str]) -> None:
    assert typed("check") == 0
    demand, ethanol = capsys.readouterr().out.splitlines()  # what ships, and nothing else
    assert demand.startswith("england-wales-demand-2000: ok ")
    assert ethanol.startswith("ethanol-gfn2: ok ")


def test_a_check_of_an_absent_file_by_name_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert typed("check", "england-wales-demand-2000", "etth1") == 1
    first, second = capsys.readouterr().out.splitlines()
    assert ": ok " in first
    assert second == "etth1: absent"


def test_a_check_goes_on_after_a_changed_file_and_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "forecasting").mkdir()
    (tmp_path / "forecasting" / "ETTh1.csv").write_bytes(b"changed")
    monkeypatch.setenv("LABFORMER_DATA", str(tmp_path))
    assert typed("check", "etth1", "england-wales-demand-2000") == 1
    first, second = capsys.readouterr().out.splitlines()
    assert hashlib.sha256(b"changed").hexdigest() in first
    assert catalogue.row("etth1").sha256 in first
    assert ": ok " in second


@pytest.mark.parametrize("words", [(), ("fetch",), ("list", "--jsn"), ("unpack", "etth1")])
def test_what_is_typed_wrong_exits_with_two(words: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as caught:
        typed(*words)
    assert caught.value.code == 2
