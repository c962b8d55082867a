"""What `labformer models` says of this domain; it imports nothing, so the list costs nothing."""

_HART = "Hart 1992, doi:10.1109/5.192069"
_ABOUT = {
    "combinatorial": (_HART, "the states of all appliances whose sum is nearest to the mains"),
    "factorial-hmm": ("Kolter & Jaakkola 2012, AISTATS", "one hidden Markov chain an appliance, their sum observed"),
    "boosted-plain": (
        "Ke et al. 2017, LightGBM, NeurIPS",
        "on or off by gradient boosting, times a share of the mains above their local minimum",
    ),
    "boosted": (
        "Friedman 2001, doi:10.1214/aos/1013203451",
        "the same on made-up copies of the houses too, with a second pass over what the first found",
    ),
    "boosted-lent": (
        "Friedman 2001, doi:10.1214/aos/1013203451",
        "the same on more and shorter made-up houses, and on simulated households that lend them appliances",
    ),
    "boosted-pair": ("Breiman 1996, doi:10.1007/BF00058655", "the mean of two of boosted-lent"),
    "seq2point": ("Zhang et al. 2018, arXiv:1612.09106", "convolutions from a window to its midpoint"),
    "bigru": ("Precioso & Gomez-Ullate 2023, hdl:10498/28902", "a recurrent net over the window, both ways"),
    "weak-localiser": (
        "CamAL, Petralia et al. 2025, arXiv:2506.05895",
        "class activation maps of classifiers that learn from yes or no a window",
    ),
    "nilmformer": (
        "Petralia et al. 2025, arXiv:2506.05880",
        "the published network and loss, one network an appliance, learning faster",
    ),
    "nilmformer-joint": (
        "Petralia et al. 2025, arXiv:2506.05880",
        "published size, on/off and power of all appliances together, on made-up houses too",
    ),
    "nilmformer-lent": (
        "Petralia et al. 2025, arXiv:2506.05880",
        "the same on more and shorter made-up houses, and on simulated households that lend them appliances",
    ),
}

SYSTEMS: tuple[dict[str, str], ...] = tuple(
    {"name": name, "domain": "nilm", "pipeline": "nilm", "paper": paper, "state": "works", "note": note}
    for name, (paper, note) in _ABOUT.items()
)
