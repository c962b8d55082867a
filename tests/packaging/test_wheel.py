"""What a user gets: the wheel, built and installed without network, used with the core dependencies alone."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pandas as pd
import pytest

PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input"]
# what builds the suite is installed beside torch in any environment
BUILDS = {"setuptools", "wheel"}


@pytest.fixture(scope="module")
def wheel(root: Path, sources: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy of the sources, because a stale build folder would ship deleted modules."""
    copy, out = tmp_path_factory.mktemp("copy"), tmp_path_factory.mktemp("wheel")
    for path in sources:
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / path, copy / path)
    command = [*PIP, "wheel", "--no-build-isolation", "--no-deps", "--no-index", "--wheel-dir", str(out), str(copy)]
    built = subprocess.run(command, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    (only,) = out.glob("*.whl")
    return only


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds nothing but the installed wheel."""
    folder = tmp_path_factory.mktemp("installed")
    command = [*PIP, "install", "--no-deps", "--no-index", "--quiet", "--target", str(folder), str(wheel)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def inside(wheel: Path) -> set[str]:
    """The names of the files in the wheel, those of its own records left out."""
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def extras(root: Path) -> set[str]:
    """The names under which what the extras install is imported."""
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    named = {
        re.split(r"[\[<>=!~;\s]", requirement, maxsplit=1)[0].lower().replace("-", "_")
        for requirements in project["optional-dependencies"].values()
        for requirement in requirements
    }
    return named - {"labformer"} - BUILDS | {"importlinter"}


def run_with_core_alone(root: Path, installed: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Run a script on the installed wheel where no package of an extra can be imported."""
    blocked = (
        "import sys\n"
        "class Without:\n"
        "    def __init__(self, finder):\n"
        "        self.finder = finder\n"
        "    def __getattr__(self, name):\n"
        "        return getattr(self.finder, name)\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.partition('.')[0] not in {sorted(extras(root))!r}:\n"
        "            return self.finder.find_spec(name, path, target)\n"
        "sys.meta_path[:] = [Without(finder) for finder in sys.meta_path]\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    return subprocess.run(
        [sys.executable, "-c", blocked + script], capture_output=True, text=True, env=environment, cwd=installed
    )


def test_what_the_suite_reads_is_in(inside: set[str]) -> None:
    for name in ("py.typed", "data/catalogue.toml", "data/england_wales_demand_2000.csv", "data/README.md"):
        assert f"labformer/{name}" in inside
    assert any(re.fullmatch(r"labformer/shared/report/templates/[^/]+\.html", name) for name in inside)
    for model in ("kettle", "washing_machine", "dishwasher", "microwave", "shower", "5min", "30min"):
        for name in ("config.json", "model.safetensors", "card.md"):
            assert f"labformer/domains/nilm/weights/{model}/{name}" in inside


def test_every_file_of_a_package_ships_and_nothing_else(root: Path, sources: list[Path], inside: set[str]) -> None:
    floors = {"data", "shared", "domains", "pipelines"}
    wanted = {f"labformer/{path.as_posix()}" for path in sources if path.parts[0] in floors}
    assert inside == wanted | {"labformer/__init__.py", "labformer/py.typed"}


def test_tests_and_notebooks_stay_out(inside: set[str]) -> None:
    assert not [name for name in inside if re.search(r"(^|/)(tests|notebooks|test_\w+\.py|conftest\.py)(/|$)", name)]


def test_licence_and_entry_point_are_recorded(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        records = {name.partition(".dist-info/")[2]: name for name in archive.namelist() if ".dist-info/" in name}
        assert "licenses/LICENSE" in records
        entry = archive.read(records["entry_points.txt"]).decode()
        metadata = archive.read(records["METADATA"]).decode()
    assert "labformer = labformer.pipelines.command:main" in entry
    assert "License-Expression: Apache-2.0" in metadata


def test_the_command_answers_help(installed: Path) -> None:
    script = installed / "bin" / "labformer"
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    done = subprocess.run(
        [sys.executable, str(script), "--help"], capture_output=True, text=True, env=environment, cwd=installed
    )
    assert done.returncode == 0, done.stderr
    assert "usage: labformer" in done.stdout


def test_the_suite_imports_with_core_dependencies_alone(root: Path, installed: Path) -> None:
    done = run_with_core_alone(
        root,
        installed,
        "import labformer, labformer.shared, labformer.pipelines.command\n"
        "from labformer.shared.datasets.catalogue import locate\n"
        "print(labformer.__file__, locate('england-wales-demand-2000'), sep='\\n')\n",
    )
    assert done.returncode == 0, done.stderr
    assert all(Path(line).is_relative_to(installed) for line in done.stdout.splitlines())


# classes of a package that are subclassed can be there only with it
NEED_EXTRAS = {"labformer.domains.potentials.calculator": "labformer[potentials]"}


def test_every_module_imports_with_core_dependencies_alone(root: Path, installed: Path, suite: list[Path]) -> None:
    modules = [".".join(("labformer", *path.with_suffix("").parts)).removesuffix(".__init__") for path in suite]
    plain = [name for name in modules if name not in NEED_EXTRAS]
    assert len(plain) == len(modules) - len(NEED_EXTRAS)
    done = run_with_core_alone(
        root, installed, f"import importlib\nfor name in {plain!r}:\n    importlib.import_module(name)\n"
    )
    assert done.returncode == 0, done.stderr


def test_a_module_that_needs_an_extra_names_it_in_one_line(root: Path, installed: Path) -> None:
    for name, extra in NEED_EXTRAS.items():
        done = run_with_core_alone(
            root,
            installed,
            "from labformer.shared.errors import MissingExtra\n"
            f"try:\n    import {name}\nexcept MissingExtra as error:\n    print(error)\n",
        )
        assert done.returncode == 0, done.stderr
        assert extra in done.stdout
        assert len(done.stdout.splitlines()) == 1


def test_what_needs_an_extra_fails_with_one_line_that_names_it(root: Path, installed: Path, tmp_path: Path) -> None:
    workbook = tmp_path / "load.xlsx"
    with zipfile.ZipFile(workbook, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
    done = run_with_core_alone(
        root,
        installed,
        "from labformer.pipelines.command import main\n"
        f"sys.exit(main(['fit', 'load-forecast', '--data', {str(workbook)!r}, '--target', 'load', '--horizon', '24h',"
        f" '--out', {str(tmp_path / 'model')!r}]))\n",
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.strip().endswith('pip install "labformer[forecasting]".')
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "model").exists()


def test_shipped_weights_answer_without_the_extra_that_trained_them(
    root: Path, installed: Path, tmp_path: Path
) -> None:
    mains = tmp_path / "mains.csv"
    minutes = pd.date_range("2024-01-01", periods=1440, freq="min").strftime("%Y-%m-%d %H:%M")
    watts = [150 + 2600 * (at % 240 < 3) for at in range(1440)]
    pd.DataFrame({"time": minutes, "mains_w": watts}).to_csv(mains, index=False)
    done = run_with_core_alone(
        root,
        installed,
        "from labformer.pipelines.command import main\n"
        f"sys.exit(main(['predict', 'nilm', '--model', 'kettle', '--data', {str(mains)!r},"
        f" '--out', {str(tmp_path / 'kettle.nc')!r}]))\n",
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "kettle.nc").is_file()
