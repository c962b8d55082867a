"""What `labformer models` says of this domain; it imports nothing, so the list costs nothing."""

_ABOUT = {
    "nlinear-ridge": (
        "Zeng et al. 2023, arXiv:2205.13504",
        "NLinear solved in closed form; penalty and lookback chosen on validation",
    ),
    "dlinear": ("Zeng et al. 2023, arXiv:2205.13504", "trained as published"),
    "hourly-boosting": (
        "PG&E Energy Analytics Challenge 2025",
        "gradient boosting for each hour of the day on what is known at the origin",
    ),
    "itransformer": (
        "Liu et al. 2024, arXiv:2310.06625",
        "trained on the user's data; future covariates and calendar enter as tokens",
    ),
}

SYSTEMS: tuple[dict[str, str], ...] = tuple(
    {"name": name, "domain": "forecasting", "pipeline": "load-forecast", "paper": paper, "state": "works", "note": note}
    for name, (paper, note) in _ABOUT.items()
)
