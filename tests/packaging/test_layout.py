"""The rules of the house that can be read off the tree."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

HEAVY = {"torch_geometric", "sklearn", "dask", "matplotlib"}
FLOORS = ["shared", "domains", "pipelines"]


def imports(path: Path, root: Path, tops_only: bool = False) -> Iterator[str]:
    """The dotted names that a file imports, relative ones resolved as `labformer...`."""
    tree = ast.parse((root / path).read_text("utf-8"))
    package = ["labformer", *path.parent.parts]
    for node in executed_on_import(tree) if tops_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*start, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def executed_on_import(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from executed_on_import(child)


def test_the_packages_that_are_listed_are_those_of_the_tree(root: Path, sources: list[Path], suite: list[Path]) -> None:
    settings = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    listed = settings["tool"]["setuptools"]["packages"]
    packages = {path.parent for path in suite if path.name == "__init__.py"}
    assert sorted(listed) == sorted(".".join(("labformer", *package.parts)) for package in packages)
    assert len(listed) == len(set(listed))
    homeless = [path for path in suite if path.parent not in packages]
    assert not homeless, "a folder with code needs an __init__.py, or it does not ship"


def test_no_other_python_file_stands_at_the_root_where_it_would_ship(sources: list[Path]) -> None:
    assert [path.name for path in sources if path.suffix == ".py" and len(path.parts) == 1] == ["__init__.py"]


def test_nothing_imports_the_floors_by_their_bare_names(root: Path, sources: list[Path]) -> None:
    banned = {*FLOORS, "data"}
    found = [
        f"{path}: {name}"
        for path in sources
        if path.suffix == ".py"
        for name in imports(path, root)
        if name.partition(".")[0] in banned
    ]
    assert not found, "from the root it works and makes a second copy of each class"


def test_inside_the_suite_imports_are_relative(root: Path, suite: list[Path]) -> None:
    found = [
        f"{path}: {ast.unparse(node)}"
        for path in suite
        for node in ast.walk(ast.parse((root / path).read_text("utf-8")))
        if (isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").split(".")[0] == "labformer")
        or (isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "labformer" for alias in node.names))
    ]
    assert not found


def test_dependence_runs_one_way_and_no_domain_knows_another(root: Path, suite: list[Path]) -> None:
    found = []
    for path in suite:
        here = path.parts
        for name in imports(path, root):
            there = name.split(".")[1:] if name.startswith("labformer.") else []
            if here[0] not in FLOORS or not there or there[0] not in FLOORS:
                continue
            upward = FLOORS.index(there[0]) > FLOORS.index(here[0])
            sideways = here[0] == there[0] == "domains" and len(here) > 2 and here[1:2] != tuple(there[1:2])
            if upward or sideways:
                found.append(f"{path}: {name}")
    assert not found


def test_shared_files_import_nothing_heavy_at_the_top(root: Path, suite: list[Path]) -> None:
    found = [
        f"{path}: {name}"
        for path in suite
        if path.parts[0] == "shared"
        for name in imports(path, root, tops_only=True)
        if name.partition(".")[0] in HEAVY
    ]
    assert not found


def test_no_file_of_the_suite_passes_five_hundred_lines(root: Path, suite: list[Path]) -> None:
    lengths = {str(path): len((root / path).read_text("utf-8").splitlines()) for path in suite}
    assert not {path: length for path, length in lengths.items() if length > 500}


def test_no_room_is_named_so_that_it_fills_up(suite: list[Path]) -> None:
    assert not [
        path for path in suite if path.stem in {"utils", "util", "helpers", "common", "base", "manager", "misc"}
    ]


def test_no_file_names_the_machine_that_it_was_written_on(root: Path, sources: list[Path]) -> None:
    machine = re.compile(rb"(?<![\w.:/-])/(?:work|home|root|Users)/\w")
    found = [str(path) for path in sources if machine.search((root / path).read_bytes())]
    assert not found


def test_importing_the_suite_stays_light() -> None:
    script = """
import sys, time, torch
start = time.process_time()
import labformer, labformer.shared, labformer.pipelines.command
print(time.process_time() - start, *sys.modules)
"""
    seconds = []
    for _ in range(3):  # processor time, the least of three: the figure of a machine that has nothing else to do
        run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        spent, *modules = run.stdout.split()
        assert not HEAVY & {name.partition(".")[0] for name in modules}
        seconds.append(float(spent))
        if seconds[-1] < 0.5:
            break
    assert min(seconds) < 0.5
