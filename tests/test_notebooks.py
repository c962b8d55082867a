"""Notebooks run from top to bottom on embedded data, and are kept without what they printed."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
MINUTE = 60.0


def seconds_of_children() -> float:
    """Time on the processor of all processes that were started and have ended."""
    times = os.times()
    return times.children_user + times.children_system


def test_every_domain_tells_its_story() -> None:
    domains = {path.parent.name for path in (ROOT / "domains").glob("*/predictor.py")}
    assert {path.stem for path in NOTEBOOKS} >= domains


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_outputs(path: Path) -> None:
    nbformat = pytest.importorskip("nbformat", reason='pip install "labformer[notebooks]"')
    for cell in nbformat.read(path, as_version=4).cells:
        assert not cell.get("outputs")
        assert not cell.get("execution_count")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_on_embedded_data_within_a_minute(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nbformat, nbclient, _ = (
        pytest.importorskip(name, reason='pip install "labformer[notebooks]"')
        for name in ("nbformat", "nbclient", "ipykernel")
    )
    monkeypatch.delenv("LABFORMER_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    notebook = nbformat.read(path, as_version=4)
    before_cpu = seconds_of_children()
    client = nbclient.NotebookClient(
        notebook, timeout=2 * MINUTE, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    assert seconds_of_children() - before_cpu < MINUTE  # of work: a busy machine is not its fault
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert not [output for output in outputs if output.get("name") == "stderr"]
    figures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(figures) >= 3
    assert {path.name for path in tmp_path.iterdir()} <= {"ipython", "cache"}  # it leaves no file behind
