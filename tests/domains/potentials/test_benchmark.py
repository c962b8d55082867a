from typing import Any

from labformer.domains.potentials.judging import benchmark
from labformer.domains.potentials.judging.benchmark import Case, Job, measure
from labformer.shared.evaluation.rows import read_rows


def test_a_job_that_failed_is_tried_again_and_one_that_is_done_is_not(tmp_path: Any, monkeypatch: Any) -> None:
    case = Case("case", [], [], {"test": []}, {}, "")
    jobs = [Job("mean", 5, seed) for seed in (0, 1)]
    asked: list[int] = []

    def run(case: Case, job: Job) -> list[dict[str, Any]]:
        asked.append(job.seed)
        return [benchmark._about(case, job, "test") | {"error": "no luck" if job.seed and len(asked) == 2 else ""}]

    monkeypatch.setattr(benchmark, "run_job", run)
    path = tmp_path / "rows.jsonl"
    assert [row["error"] for row in measure(case, jobs, path)] == ["", "no luck"]
    assert [row["error"] for row in measure(case, jobs, path)] == ["", ""]
    assert asked == [0, 1, 1]
    assert len(read_rows(path)) == 3
    measure(case, jobs, path)
    assert asked == [0, 1, 1]
