import numpy as np
import pytest
from safetensors.numpy import load, save
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

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


def test_the_compiled_walk_and_the_plain_one_agree() -> None:
    boosting, X = fitted(max_iter=30)
    trees = Trees.of(boosting)
    np.testing.assert_allclose(trees.predict(X), trees.predict_plainly(X), rtol=1e-12)
    np.testing.assert_allclose(trees.predict(X.astype(np.float32)), trees.predict_plainly(X.astype(np.float32)))


def test_a_classifier_answers_its_logit() -> None:
    _, X = fitted(max_iter=1)
    on = X[:, 0] + X[:, 1] > 0.3
    boosting = HistGradientBoostingClassifier(max_iter=20, random_state=0).fit(X, on)
    logit = Trees.of(boosting).predict(X)
    np.testing.assert_allclose(1 / (1 + np.exp(-logit)), boosting.predict_proba(X)[:, 1], rtol=1e-9)


def test_rounded_trees_are_stored_small_without_loss() -> None:
    _, X = fitted(max_iter=1)
    X = X.astype(np.float32).astype(np.float64)
    boosting = HistGradientBoostingRegressor(max_iter=30, random_state=0).fit(X, 50 * X[:, 0] + X[:, 1])
    trees = Trees.of(boosting).rounded()
    arrays = trees.to_small_arrays("x")
    again = Trees.from_small_arrays("x", load(save(arrays)))
    np.testing.assert_array_equal(again.predict(X), trees.predict(X))
    assert sum(one.nbytes for one in arrays.values()) < sum(one.nbytes for one in trees.to_arrays("x").values()) / 2.5
    np.testing.assert_allclose(trees.predict(X), boosting.predict(X), atol=1)


@pytest.mark.parametrize("column", [0, 127, 128, 32_767, 32_768, 3_000_000])
def test_small_arrays_hold_columns_of_any_number(column: int) -> None:
    stump = Trees(
        np.array([0]), np.array([column, 0, 0]), np.array([0.5, 0.0, 0.0]), np.array([1, 1, 2]), np.array([2, 1, 2]),
        np.array([0.0, -1.0, 1.0]), np.array([0.25]),
    )  # fmt: skip
    again = Trees.from_small_arrays("x", load(save(stump.to_small_arrays("x"))))
    for mine, theirs in zip(again, stump, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_trees_of_lightgbm_answer_as_it_does() -> None:
    lightgbm = pytest.importorskip("lightgbm", reason="the extra nilm is not installed")
    _, X = fitted(max_iter=1)
    settings = {"objective": "binary", "num_leaves": 7, "verbose": -1, "num_threads": 1}
    booster = lightgbm.train(settings, lightgbm.Dataset(X, X[:, 0] + X[:, 1] > 0.3), 20)
    trees = Trees.of_lightgbm(booster)
    np.testing.assert_allclose(trees.predict(X), booster.predict(X, raw_score=True), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(trees.predict_plainly(X), trees.predict(X), rtol=1e-12)
