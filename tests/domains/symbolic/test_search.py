"""All small supports: what greedy search misses."""

import numpy as np

from labformer.domains.symbolic.hybrid.search import beam, every, solve


def test_best_support_of_each_size_is_found_where_greedy_search_fails():
    # two nearly equal columns whose small difference is the answer, beside decoys that look like the answer
    draw = np.random.default_rng(0)
    base, fine = draw.standard_normal((2, 200))
    target = fine + 1e-6 * draw.standard_normal(200)
    columns = np.column_stack(
        [base, base + 1e-3 * fine, *(fine + 0.3 * draw.standard_normal((4, 200)))],
    )
    greedy = min((s for s in beam(columns, target, range(6), np.ones(6), 1, 2) if len(s.columns) == 2),
                 key=lambda s: s.rest)  # fmt: skip
    whole = [s for s in every(columns, target, 2, 3) if len(s.columns) == 2]
    assert whole[0].columns == (0, 1) and whole[0].rest < 1e-3 * greedy.rest
    np.testing.assert_allclose(solve(columns, target, (0, 1)).weights, (-1000, 1000), rtol=1e-3)
    assert [s.rest for s in whole] == sorted(s.rest for s in whole)


def test_dependent_and_empty_columns_are_passed_over():
    one = np.linspace(1, 2, 50)
    columns = np.column_stack([one, 2 * one, np.zeros(50), one**2])
    found = every(columns, one**2 + one, 3, 10)
    assert all({0, 1} - set(s.columns) for s in found) and all(2 not in s.columns for s in found)
    assert min(found, key=lambda s: s.rest).rest < 1e-20
