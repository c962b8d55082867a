import numpy as np
import pytest

from labformer.domains.forecasting.load_scale import LoadScale


@pytest.mark.parametrize(("low", "logarithmic"), [(500.0, True), (1.0, False), (-300.0, False)])
def test_a_logarithm_is_taken_of_a_load_that_stays_well_above_zero(low: float, logarithmic: bool) -> None:
    load = np.random.default_rng(0).uniform(low, 1500.0, 1000)
    scale = LoadScale.fit(load)
    assert scale.logarithmic is logarithmic
    encoded = scale.encode(load)
    assert (encoded.mean(), encoded.std()) == (pytest.approx(0, abs=1e-9), pytest.approx(1))
    np.testing.assert_allclose(scale.decode(encoded), load, rtol=1e-12)
    assert LoadScale(**scale.to_dict()) == scale


def test_units_drop_out() -> None:
    load = np.random.default_rng(0).uniform(500, 1500, 1000)
    np.testing.assert_allclose(
        LoadScale.fit(load).encode(load), LoadScale.fit(load * 1e3).encode(load * 1e3), atol=1e-9
    )


def test_an_outage_in_a_positive_load_stays_finite() -> None:
    scale = LoadScale.fit(np.random.default_rng(0).uniform(500, 1500, 1000))
    assert np.isfinite(scale.encode(np.array([0.0, -5.0, 1e-9]))).all()


def test_a_constant_load_divides_by_one() -> None:
    assert LoadScale.fit(np.full(10, 7.0)).encode(np.full(3, 7.0)).tolist() == pytest.approx([0.0, 0.0, 0.0], abs=1e-12)
