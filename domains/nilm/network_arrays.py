"""Several networks and a header of plain values as named arrays, and back."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from .appliances import Appliance

Network = TypeVar("Network", bound=nn.Module)


def packed(header: Mapping[str, Any], networks: Sequence[nn.Module]) -> dict[str, NDArray[Any]]:
    """The header as JSON in bytes, and the weights by number of the network and name."""
    arrays: dict[str, NDArray[Any]] = {"header": np.frombuffer(json.dumps(header).encode(), np.uint8)}
    for at, network in enumerate(networks):
        arrays |= {f"{at}.{name}": value.cpu().numpy() for name, value in network.state_dict().items()}
    return arrays


def header_of(arrays: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """The header that `packed` wrote."""
    return dict(json.loads(np.asarray(arrays["header"]).tobytes()))


def restored(networks: Sequence[Network], arrays: Mapping[str, NDArray[Any]]) -> list[Network]:
    """The networks with the weights that `packed` wrote, in evaluation mode."""
    for at, network in enumerate(networks):
        mine = {name.partition(".")[2]: array for name, array in arrays.items() if name.startswith(f"{at}.")}
        network.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in mine.items()})
        network.eval()
    return list(networks)


def of_appliances(appliances: Sequence[Appliance]) -> list[dict[str, Any]]:
    """Appliances as plain values."""
    return [asdict(one) for one in appliances]


def to_appliances(rows: Sequence[Mapping[str, Any]]) -> tuple[Appliance, ...]:
    """The inverse of `of_appliances`, also after JSON."""
    return tuple(Appliance(**{**row, "columns": tuple(row["columns"])}) for row in rows)
