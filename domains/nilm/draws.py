"""How factors are drawn for what is made up and simulated."""

import numpy as np


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """A number between `low` and `high`, each ratio as likely."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))
