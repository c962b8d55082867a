import numpy as np
import pytest
from safetensors.numpy import load, save
from sklearn.ensemble import HistGradientBoostingRegressor

from labformer.shared.learning.trees import Trees

SETTINGS = [
    {"max_iter": 30},
    {"max_iter": 5, "max_leaf_nodes": 3, "learning_rate": 1.0},
    {"max_iter": 20, "max_features": 0.5, "min_samples_leaf": 3},
    {"max_iter": 4, "min_samples_leaf": 200},  # nothing to split: the mean alone
]


def fitted(**settings: float) -> tuple[HistGradientBoostingRegressor, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4))
    X[:, 3] = rng.integers(0, 3, 300)
    y = 1e3 + 50 * np.sin(X[:, 0]) * X[:, 3] + rng.normal(size=300)
    return HistGradientBoostingRegressor(random_state=0, **settings).fit(X, y), X


@pytest.mark.parametrize("settings", SETTINGS)
def test_trees_answer_as_scikit_learn_does_on_thresholds_too(settings: dict[str, float]) -> None:
    boosting, X = fitted(**settings)
    trees = Trees.of(boosting)
    rng = np.random.default_rng(1)
    on_edges = np.tile(rng.choice(trees.threshold, (200, 1)), 4)
    far = rng.normal(size=(200, 4)) * 1e6
    for rows in (X, on_edges, far):
        np.testing.assert_allclose(trees.predict(rows), boosting.predict(rows), rtol=1e-12)


def test_trees_come_back_from_a_safetensors_file() -> None:
    boosting, X = fitted(max_iter=10)
    trees = Trees.of(boosting)
    again = Trees.from_arrays("0.13", load(save(trees.to_arrays("0.13") | Trees.of(boosting).to_arrays("0.any"))))
    np.testing.assert_array_equal(again.predict(X), trees.predict(X))
    assert all(one.dtype == other.dtype for one, other in zip(again, trees, strict=True))


def test_no_rows_have_no_answers() -> None:
    assert Trees.of(fitted(max_iter=3)[0]).predict(np.empty((0, 4))).shape == (0,)
