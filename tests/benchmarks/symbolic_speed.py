"""Speed of integrating many different systems at once, against scipy's LSODA one by one, on the same systems.

    python tests/benchmarks/symbolic_speed.py --json FILE [--systems 2000] [--rounds 3] [--peers 100]

Systems of the generator (six states at most, 100 points from t = 1 to 10), stepped on one thread to the same
tolerances; both get compiled right-hand sides, and the compilation is timed apart. scipy integrates a sample of them,
by turns with the whole batch, and is stopped where a state passes the same limit or after as many evaluations as the
batch may spend. The ratio is the median of the ratios within a round.
"""

import argparse
import contextlib
import json
import platform
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from scipy.integrate import solve_ivp

from labformer.domains.symbolic.proposing.generator import draw_system
from labformer.domains.symbolic.proposing.integrate import integrate_many
from labformer.domains.symbolic.proposing.normal_form import compile_expressions, to_system
from labformer.domains.symbolic.proposing.programs import compile_system

TIMES, LIMIT = np.linspace(1.0, 10.0, 100), 100.0
RTOL, ATOL = 1e-6, 1e-9
STEPS = 1000  # of the batch; LSODA may ask for six derivatives for each


class Spent(Exception):
    """A system took more evaluations than the batch may spend on it."""


def seconds(run: Callable[[], object]) -> float:
    """Processor time of one call."""
    start = time.process_time()
    run()
    return time.process_time() - start


def one_by_one(laws: list[Callable[..., np.ndarray]], starts: np.ndarray, widths: list[int]) -> int:
    """How many of the systems LSODA brings to the end."""
    reached = 0
    for law, start, width in zip(laws, starts, widths, strict=True):

        def within(_: float, x: np.ndarray) -> float:
            return LIMIT - float(np.abs(x).max())

        def counted(t: float, x: np.ndarray, law: Callable[..., np.ndarray] = law) -> np.ndarray:
            nonlocal asked
            asked += 1
            if asked > 6 * STEPS:
                raise Spent
            return law(t, x)

        asked, within.terminal = 0, True
        with warnings.catch_warnings(), contextlib.suppress(Spent):
            warnings.simplefilter("ignore")
            span = (TIMES[0], TIMES[-1])
            found = solve_ivp(counted, span, start[:width], "LSODA", TIMES, events=within, rtol=RTOL, atol=ATOL)
            reached += found.status == 0
    return reached


def main() -> int:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--systems", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    torch.set_num_threads(1)
    random = np.random.default_rng(given.seed)
    drawn = [one for one in (draw_system(random) for _ in range(2 * given.systems)) if one is not None][: given.systems]
    systems = [to_system(one) for one in drawn[: given.peers]]
    starts = random.standard_normal((len(drawn), 6))
    compile_many = seconds(lambda: [compile_expressions(one) for one in drawn]) / len(drawn)
    compile_sympy = seconds(lambda: [compile_system(one) for one in systems]) / len(systems)
    compile_peer = seconds(lambda: [one.rhs for one in systems]) / len(systems)
    programs = [compile_expressions(one) for one in drawn]
    widths, laws = [len(one) for one in drawn[: given.peers]], [one.rhs for one in systems]
    rows = []
    for _ in range(given.rounds):
        alive = integrate_many(programs, starts, TIMES, rtol=RTOL, atol=ATOL, limit=LIMIT, max_steps=STEPS).alive
        ours = seconds(
            lambda: integrate_many(programs, starts, TIMES, rtol=RTOL, atol=ATOL, limit=LIMIT, max_steps=STEPS)
        ) / len(drawn)
        peer = seconds(lambda: one_by_one(laws, starts[: given.peers], widths)) / given.peers
        rows.append((1 / ours, 1 / peer, peer / ours))
    out = {
        "systems": len(drawn), "peer_systems": given.peers, "points": len(TIMES), "rtol": RTOL, "atol": ATOL,
        "systems_per_second": statistics.median(row[0] for row in rows),
        "lsoda_systems_per_second": statistics.median(row[1] for row in rows),
        "ratio": statistics.median(row[2] for row in rows),
        "ratio_range": [min(row[2] for row in rows), max(row[2] for row in rows)],
        "share_that_reaches_the_end": float(alive.mean()),
        "compile_s": {"normal_form": compile_many, "sympy": compile_sympy, "lambdify": compile_peer},
        "torch": torch.__version__, "machine": platform.machine(),
    }  # fmt: skip
    given.json.write_text(json.dumps(out, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(out, indent=2), file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
