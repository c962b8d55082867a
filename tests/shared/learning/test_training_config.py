import dataclasses

import pytest

from labformer.shared.errors import InputError
from labformer.shared.learning.config import TrainingConfig


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("epochs", 0), ("batch", -1), ("learning_rate", float("nan")), ("learning_rate", 0.0)),
        *(("weight_decay", -1.0), ("clip", float("inf")), ("patience", -1), ("ema_decay", 1.0), ("seed", -3)),
        *(("optimiser", "sgd"), ("schedule", "linear"), ("sam_rho", -0.1), ("restart_epochs", 0)),
    ],
)
def test_a_setting_that_cannot_work_is_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(InputError, match=field):
        TrainingConfig(**{field: value})


def test_a_config_is_frozen_and_made_of_plain_values() -> None:
    config = TrainingConfig()
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.epochs = 3
    assert all(isinstance(value, (int, float, str)) for value in dataclasses.asdict(config).values())
