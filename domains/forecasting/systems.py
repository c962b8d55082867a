"""What `labformer models` says of this domain; it imports nothing, so the list costs nothing."""

_ZENG = "Zeng et al. 2023, arXiv:2205.13504"
_ABOUT = {
    "nlinear-ridge": (_ZENG, "NLinear solved in closed form; penalty and lookback chosen on validation"),
    "dlinear": (_ZENG, "trained as published"),
    "spline-ridge": (
        "Fan & Hyndman 2012, doi:10.1109/TPWRS.2011.2162082",
        "a clipped ridge for each time of day on splines of weather, calendar and recent load",
    ),
    "hourly-boosting": (
        "PG&E Energy Analytics Challenge 2025",
        "gradient boosting for each hour of the day on what is known at the origin",
    ),
    "boosting": ("Friedman 2001, doi:10.1214/aos/1013203451", "gradient boosting of all hours on the same inputs"),
    "load-network": (
        "Hippert et al. 2001, doi:10.1109/59.910780",
        "an ensemble of small networks on the same inputs, with quantiles of its own",
    ),
    "itransformer": (
        "Liu et al. 2024, arXiv:2310.06625",
        "trained on the user's data; future covariates and calendar enter as tokens",
    ),
    "samformer": ("Ilbert et al. 2024, arXiv:2402.10198", "trained by sharpness-aware minimisation as published"),
    "blend": (
        "Bates & Granger 1969, doi:10.1057/jors.1969.103",
        "a convex combination of the others, its weights from their validation forecasts",
    ),
}

SYSTEMS: tuple[dict[str, str], ...] = tuple(
    {"name": name, "domain": "forecasting", "pipeline": "load-forecast", "paper": paper, "state": "works", "note": note}
    for name, (paper, note) in _ABOUT.items()
)
