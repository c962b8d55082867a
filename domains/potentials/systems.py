"""What `labformer models` says of this domain; it imports nothing, so the list costs nothing."""

_GRAPH_FREE = "Kreiman et al. 2025, arXiv:2510.02259"
_ABOUT = {
    "acorn": (
        "Drautz 2019, doi:10.1103/PhysRevB.99.014104", "the suite's own: body-ordered, solved in closed form"
    ),
    "acorn-taught": (
        "Drautz 2019, doi:10.1103/PhysRevB.99.014104", "the same, which knew GFN2-xTB before it saw a frame"
    ),
    "graph-free-transformer": (_GRAPH_FREE, "a plain transformer on coordinates, direct forces"),
    "graph-free-transformer-conservative": (_GRAPH_FREE, "the same with forces by gradient"),
    "descriptor-ridge": ("Behler & Parrinello 2007, doi:10.1103/PhysRevLett.98.146401", "ridge on descriptors"),
    "molecular-kernel": (
        "Chmiela et al. 2018, doi:10.1038/s41467-018-06169-2", "sGDML: a kernel of gradients, for one molecule"
    ),
    "xtb": ("Bannwarth et al. 2019, doi:10.1021/acs.jctc.8b01176", "GFN2-xTB itself, energies shifted by element"),
    "mean": ("least squares on compositions", "an energy for each element, no forces"),
}  # fmt: skip

SYSTEMS: tuple[dict[str, str], ...] = tuple(
    {"name": name, "domain": "potentials", "pipeline": "potential", "paper": paper, "state": "works", "note": note}
    for name, (paper, note) in _ABOUT.items()
)
