"""What `labformer models` says of this domain; it imports nothing, so the list costs nothing."""

_SINDY = "Brunton et al. 2016, doi:10.1073/pnas.1517384113"
_ABOUT = {
    "stlsq": (_SINDY, "sequentially thresholded least squares on derivatives"),
    "pysindy": ("Kaptanoglu et al. 2022, doi:10.21105/joss.03994", "PySINDy, the best of three kinds on the runs"),
    "pysindy-polynomial": ("Kaptanoglu et al. 2022, doi:10.21105/joss.03994", "PySINDy with polynomials"),
    "pysindy-trig": ("Kaptanoglu et al. 2022, doi:10.21105/joss.03994", "PySINDy with polynomials and angles"),
    "pysindy-weak": ("Reinbold et al. 2020, doi:10.1103/PhysRevE.101.010203", "PySINDy in the weak form"),
    "operon": ("Burlacu et al. 2020, doi:10.1145/3377929.3398099", "genetic programming on derivatives"),
    "hybrid": (
        "Messenger & Bortz 2021, doi:10.1137/20M1343166",
        "weak form, beam search over a tiered library, shooting, selection by description length",
    ),
    "hybrid-odeformer": (
        "d'Ascoli et al. 2024, arXiv:2310.05573",
        "the hybrid with the transformer's proposals and prior",
    ),
    "odeformer": ("d'Ascoli et al. 2024, arXiv:2310.05573", "a trajectory read, formulas written; a small network"),
}

SYSTEMS: tuple[dict[str, str], ...] = tuple(
    {"name": name, "domain": "symbolic", "pipeline": "symbolic-ode", "paper": paper, "state": "works", "note": note}
    for name, (paper, note) in _ABOUT.items()
)
