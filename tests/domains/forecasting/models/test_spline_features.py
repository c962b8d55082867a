import numpy as np
import pytest
from sklearn.preprocessing import SplineTransformer

from labformer.domains.forecasting.models.spline_ridge import quadratic_splines

KNOTS = np.linspace([-5.0, 0.0, 100.0], [38.0, 1.0, 101.0], 6)


@pytest.mark.parametrize("beyond", [0.0, 0.7])
def test_splines_are_those_of_scikit_learn_within_the_knots_and_beyond(beyond: float) -> None:
    reach = KNOTS[-1] - KNOTS[0]
    x = np.random.default_rng(0).uniform(KNOTS[0] - beyond * reach, KNOTS[-1] + beyond * reach, (500, 3))
    x[:6] = KNOTS
    peer = SplineTransformer(degree=2, knots=KNOTS, extrapolation="linear", include_bias=False)
    np.testing.assert_allclose(quadratic_splines(x, KNOTS), peer.fit(KNOTS).transform(x), atol=1e-12)


def test_no_column_makes_no_feature() -> None:
    assert quadratic_splines(np.empty((4, 0)), np.empty((6, 0))).shape == (4, 0)
