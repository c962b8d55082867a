"""What the pages tell people to type is understood, and what they point to is there."""

import argparse
import importlib
import re
import shlex
from pathlib import Path

import pytest

from labformer.pipelines.command import _parser

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)\)")
NAMED = re.compile(r"`((?:tests|docs|notebooks|domains|shared|pipelines|data)/[\w./-]+\.\w+)")
INLINE = re.compile(r"`(?:\.venv/bin/)?(labformer (?:run|fit|predict|evaluate|bench|data) [^`]+)`")
IMPORT = re.compile(r"^from (labformer[\w.]*) import ([\w, ]+)", re.MULTILINE)


@pytest.fixture(scope="module")
def pages(root: Path, sources: list[Path]) -> dict[Path, str]:
    """The pages for users: the README and all under docs."""
    chosen = [path for path in sources if path.suffix == ".md" and (path.name == str(path) or path.parts[0] == "docs")]
    return {path: (root / path).read_text(encoding="utf-8") for path in chosen}


def commands(text: str) -> list[str]:
    """Every `labformer` command of a page, as it would be typed on one line."""
    typed = [
        line.split(" #")[0]
        for language, block in BLOCK.findall(text)
        if language == "sh"
        for line in block.replace("\\\n", " ").splitlines()
    ]
    said = [" ".join(one.split()) for one in INLINE.findall(BLOCK.sub("", text))]
    lines = [line.strip().removeprefix(".venv/bin/") for line in [*typed, *said]]
    return [line for line in lines if line.startswith("labformer ")]


def test_every_command_is_understood(pages: dict[Path, str], capsys: pytest.CaptureFixture[str]) -> None:
    parser, wrong, count = _parser(), [], 0
    for path, text in pages.items():
        for line in commands(text):
            count += 1
            try:
                parser.parse_args(shlex.split(line)[1:])
            except (SystemExit, argparse.ArgumentError):
                wrong.append(f"{path}: {line}\n{capsys.readouterr().err}")
    assert count > 40
    assert not wrong, "\n".join(wrong)


def test_a_command_with_a_mistake_is_noticed(capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = commands("```sh\nlabformer predict nilm --modle kettle --out x.nc   # typed wrong\n```")
    with pytest.raises(SystemExit):
        _parser().parse_args(shlex.split(line)[1:])
    assert "--modle" in capsys.readouterr().err


def test_what_is_linked_or_named_is_there(root: Path, pages: dict[Path, str]) -> None:
    lacking = [
        f"{path}: {target}"
        for path, text in pages.items()
        for target in LINK.findall(text)
        if not (root / path.parent / target).exists()
    ]
    lacking += [
        f"{path}: {target}"
        for path, text in pages.items()
        for target in NAMED.findall(text)
        if "<" not in target and not (root / target).exists()
    ]
    assert not lacking


def test_every_import_of_an_example_works(pages: dict[Path, str]) -> None:
    found = [(module, names) for text in pages.values() for module, names in IMPORT.findall(text)]
    assert found
    for module, names in found:
        for name in names.split(","):
            assert hasattr(importlib.import_module(module), name.strip()), f"from {module} import {name}"
