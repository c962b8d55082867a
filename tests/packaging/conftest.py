"""The files of the repository, as `git archive` would take them with what is not committed yet."""

import subprocess
from pathlib import Path

import pytest

SKIPPED = {"build", "dist", "runs", "__pycache__"}


@pytest.fixture(scope="session")
def root() -> Path:
    return Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def sources(root: Path) -> list[Path]:
    """Paths relative to the root, sorted; without git every file that is no build output."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=root, capture_output=True, check=True, text=True
        ).stdout.split("\0")
        found = {Path(name) for name in listed if name}
    except (OSError, subprocess.CalledProcessError):
        found = {path.relative_to(root) for path in root.rglob("*")}
        found = {
            path
            for path in found
            if not SKIPPED & set(path.parts)
            and not any(part[0] == "." or part.endswith(".egg-info") for part in path.parts)
        }
    return sorted(path for path in found if (root / path).is_file() and not (root / path).is_symlink())


@pytest.fixture(scope="session")
def suite(sources: list[Path]) -> list[Path]:
    """The Python files that ship."""
    floors = {"data", "shared", "domains", "pipelines"}
    return [path for path in sources if path.suffix == ".py" and (path.parts[0] in floors or path.name == str(path))]
