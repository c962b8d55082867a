"""The recorded series: their length, some published values, and what is found in them by the plainest method."""

import numpy as np
import pytest

from labformer.domains.symbolic.reading.records import RECORDS, record
from labformer.shared.errors import InputError


def test_hare_and_lynx_by_year() -> None:
    run = record("lynx-hare")
    assert run.names == ("hare", "lynx")
    np.testing.assert_array_equal(run.times, np.arange(1900, 1921))
    assert run.states[3].tolist() == [77.4, 35.2]
    peaks = [
        int(run.times[place])
        for place in range(1, 20)
        if run.states[place, 1] == run.states[:, 1][place - 1 : place + 2].max()
    ]
    assert {1904, 1915} <= {*peaks}  # the lynx peaks a year or two behind the hare


def test_yeast_grows_to_a_bound() -> None:
    run = record("yeast")
    assert run.states.shape == (19, 1)
    assert (np.diff(run.states[:, 0]) > 0).all()
    growth = np.diff(np.log(run.states[:, 0]))
    size = (run.states[1:, 0] + run.states[:-1, 0]) / 2
    slope, rate = np.polyfit(size, growth, 1)  # growth per head falls with the number of heads
    assert slope < 0
    assert 600 < -rate / slope < 700


def test_records_name_their_source_and_unknown_names_are_refused() -> None:
    assert all(about.source and about.units and about.note for about in RECORDS.values())
    with pytest.raises(InputError, match="did you mean 'lynx-hare'"):
        record("lynx hare")
