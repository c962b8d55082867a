"""The errors that a user can mend."""

import json

import pytest

from labformer.shared.errors import InputError, MissingExtra, require


def test_a_package_that_is_there_is_handed_over() -> None:
    assert require("json", "forecasting") is json


def test_a_package_that_is_missing_is_one_line_that_ends_in_the_command_to_install_it() -> None:
    with pytest.raises(MissingExtra) as caught:
        require("no_such_package.inner", "forecasting")
    message = str(caught.value)
    assert "'no_such_package'" in message
    assert message.endswith('pip install "labformer[forecasting]".')
    assert "\n" not in message


def test_errors_are_caught_by_the_names_that_people_know() -> None:
    assert issubclass(InputError, ValueError)
    assert issubclass(MissingExtra, ImportError)
