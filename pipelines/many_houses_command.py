"""What `labformer predict many-houses` prints; it returns an exit code, 1 when every house has failed."""

import sys

from . import many_houses
from .many_endings import say_failures
from .many_houses_options import ManyHousesOptions
from .nilm import say_doubts


def predict(options: ManyHousesOptions) -> int:
    """Say what was written, which answers not to trust, and which houses have none."""
    model, houses = many_houses.predict(options)
    names = ", ".join(model.chosen_)
    sys.stdout.write(f"wrote {options.out}: days of {names} in {houses.sizes['series']:,} houses\n")
    say_doubts(model)
    return say_failures(houses, "houses have no answer")
