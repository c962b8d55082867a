import argparse
import tomllib
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest

from labformer.pipelines import (
    load_forecast_options,
    many_houses_options,
    many_loads_options,
    nilm_options,
    year_load_options,
)
from labformer.pipelines.options import UsageError, add_options, option, options_from, to_toml
from labformer.shared.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Small:
    out: str = option(text="folder", metavar="FOLDER")
    share: float = option(0.5, "50% of it")
    steps: int = option(3, "steps")
    names: tuple[str, ...] = option(("a", "b"), "names")
    sizes: tuple[int, ...] = option((1, 2), "sizes")
    zone: str | None = option(None, "zone")
    gaps: Literal["repair", "error"] = option("repair", "gaps")
    max_gap: str = option("3h", "longest gap")
    overwrite: bool = option(False, "replace")


def typed(*words: str, kind: type[Any] = Small, config: str | None = None) -> Any:
    parser = argparse.ArgumentParser()
    add_options(parser, kind)
    return options_from(kind, vars(parser.parse_args(words)), config)


def test_what_is_typed_becomes_values_of_the_right_kind() -> None:
    assert typed("--out", "x") == Small(out="x")
    words = "--out x --share 0.25 --steps 7 --names c,,d --sizes 4 --zone UTC --gaps error --max-gap 1h --overwrite"
    assert typed(*words.split()) == Small(
        out="x", share=0.25, steps=7, names=("c", "d"), sizes=(4,), zone="UTC", gaps="error", max_gap="1h",
        overwrite=True,
    )  # fmt: skip


def test_what_is_typed_goes_before_the_file_and_the_file_before_the_default(tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text('out = "file"\nshare = 1\nsteps = 5\noverwrite = true\nsizes = []\n')
    found = typed("--steps", "9", "--no-overwrite", config=str(tmp_path / "run.toml"))
    assert found == Small(out="file", share=1.0, steps=9, sizes=(), overwrite=False)
    assert type(found.share) is float


def test_help_names_every_option_with_its_default() -> None:
    parser = argparse.ArgumentParser()
    add_options(parser, Small)
    text = " ".join(parser.format_help().split())
    for said in ("--out FOLDER", "50% of it [0.5]", "--names A,B names [a,b]", "{repair,error}", "--max-gap"):
        assert said in text


def full(kind: type[Any]) -> dict[str, Any]:
    """A value of every field, with what TOML could trip over."""
    values = {str: 'it\'s "C:\\data" — ü 😀\x7f\t\n= [1] # 2', float: 1 / 3, int: 12345, bool: True}
    made: dict[str, Any] = {}
    for name, hint in get_type_hints(kind).items():
        first = (get_args(hint) or (hint,))[0]
        if get_origin(hint) is Literal:
            made[name] = get_args(hint)[-1]
        else:
            made[name] = (values[first],) * 2 if get_origin(hint) is tuple else values[first]
    return made


def needed(kind: type[Any], values: dict[str, Any]) -> dict[str, Any]:
    """The values, and one for every field that must be given."""
    lacking = [one for one in fields(kind) if one.default is MISSING and one.name not in values]
    hints = get_type_hints(kind)
    return {**{one.name: ("x",) if get_origin(hints[one.name]) is tuple else "x" for one in lacking}, **values}


KINDS = [
    load_forecast_options.RunOptions,
    load_forecast_options.FitOptions,
    load_forecast_options.PredictOptions,
    load_forecast_options.EvaluateOptions,
    load_forecast_options.BenchOptions,
    many_loads_options.ManyRunOptions,
    many_loads_options.ManyFitOptions,
    many_loads_options.ManyPredictOptions,
    year_load_options.YearRunOptions,
    year_load_options.YearFitOptions,
    year_load_options.YearPredictOptions,
    nilm_options.NilmRunOptions,
    nilm_options.NilmFitOptions,
    nilm_options.NilmPredictOptions,
    nilm_options.NilmEvaluateOptions,
    nilm_options.NilmBenchOptions,
    many_houses_options.ManyHousesOptions,
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_options_written_as_toml_are_read_back_the_same(kind: type[Any], tmp_path: Path) -> None:
    for values in (full(kind), {"out": "x"} if "out" in kind.__dataclass_fields__ else {}):
        options = kind(**needed(kind, values))
        text = to_toml(options, {"labformer": "1.0", "note": "a\n[b]"})
        (tmp_path / "run.toml").write_text(text, encoding="utf-8")
        assert options_from(kind, {}, str(tmp_path / "run.toml")) == options
        assert tomllib.loads(text)["made_by"] == {"labformer": "1.0", "note": "a\n[b]"}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_the_grammar_holds_for_every_verb(kind: type[Any]) -> None:
    """Design: --out or --json, --device and --overwrite everywhere, a seed or several, and a help for each option."""
    names = {one.name for one in fields(kind)}
    assert {"device", "overwrite"} <= names
    assert names & {"seed", "seeds"}
    assert names & {"out", "json"}
    assert all(one.metadata["help"] for one in fields(kind))
    assert asdict(kind(**needed(kind, {})))["overwrite"] is False


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("stepps = 4", r"unknown option 'stepps'; known: out, share, steps"),
        ("steps = '4'", r"steps = '4' must be of type int"),
        ("steps = true", r"steps = True must be of type int"),
        ("steps = 4.0", r"steps = 4.0 must be of type int"),
        ("steps = [4]", r"steps must be one value"),
        ("names = 'a'", r"names must be a list"),
        ("names = ['a', 3]", r"names = 3 must be of type str"),
        ("gaps = 'ignore'", r"gaps = 'ignore' must be one of repair, error"),
        ("overwrite = 1", r"overwrite = 1 must be of type bool"),
        ("zone = 1979-05-27", r"zone = .* must be of type str"),
        ("steps = ", "is not TOML"),
        ("[steps]\na = 1", "must be of type int"),
    ],
)
def test_a_config_that_is_wrong_is_refused_by_name(tmp_path: Path, text: str, said: str) -> None:
    config = tmp_path / "run.toml"
    config.write_text(text)
    with pytest.raises(InputError, match=said) as caught:
        typed("--out", "x", config=str(config))
    assert str(config) in str(caught.value)
    assert not isinstance(caught.value, UsageError)


def test_a_config_that_is_missing_or_not_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read the config .*No such file"):
        typed(config=str(tmp_path / "none.toml"))
    (tmp_path / "run.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="is not TOML"):
        typed(config=str(tmp_path / "run.toml"))


def test_an_option_that_is_needed_and_not_given_is_typed_wrong() -> None:
    with pytest.raises(UsageError, match="--out is needed; see --help"):
        typed("--steps", "4")


@pytest.mark.parametrize(
    "words", [("--steps", "few"), ("--sizes", "1,b"), ("--gaps", "mend"), ("--stepps", "1"), ("--share", "")]
)
def test_what_cannot_be_parsed_exits_with_two(words: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as caught:
        typed("--out", "x", *words)
    assert caught.value.code == 2
