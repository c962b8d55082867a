"""The appliances of many houses: read chunk by chunk -> split each house -> one file of days."""

import sys
from typing import NamedTuple

import xarray as xr

from ..domains.nilm.many import disaggregate_many, suited_to
from ..domains.nilm.predictor import Disaggregator
from ..shared.scale.cluster import cluster
from ..shared.scale.store import require_out
from .many_endings import says_how_to_go_on
from .many_houses_options import ManyHousesOptions


class ManyHouses(NamedTuple):
    """What a run came to: the model, and the status of each house."""

    model: Disaggregator
    houses: xr.Dataset


def predict(options: ManyHousesOptions) -> ManyHouses:
    """Split every house by a saved or shipped model into one file."""
    require_out(options.out, options.overwrite)
    known = Disaggregator.from_pretrained(options.model)
    model = suited_to(known.only(*options.appliances) if options.appliances else known, options.data)
    with cluster(options.workers, options.scheduler) as client, says_how_to_go_on(options.out):
        houses = disaggregate_many(
            model,
            options.data,
            options.out,
            unit=options.unit,
            zone=options.zone,
            houses_per_chunk=options.houses_per_chunk,
            client=client,
            overwrite=options.overwrite,
            progress=sys.stderr.isatty(),
        )
    return ManyHouses(model, houses)
