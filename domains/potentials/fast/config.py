"""What an acorn potential is made of."""

from dataclasses import dataclass, replace

from ....shared.errors import InputError

CHANNELS = 9  # of four-body terms, over all elements


@dataclass(frozen=True)
class AcornConfig:
    """Sizes and shapes of the basis; the defaults were chosen by leaving out frames of 50 rMD17 ethanol frames.

    cutoff        Å beyond which atoms do not see each other; two-body terms reach so far
    reach         Å to which three- and four-body terms reach
    radial_two    radial functions of two-body terms, for each element
    radial        radial functions of three-body terms, for each element
    degree        highest degree of the harmonics of three-body terms
    radial_four   radial functions of four-body terms, for each element; 0: no such terms; None: nine in all, shared by
                  the elements, at least two for each
    degree_four   highest degree of the harmonics of four-body terms
    gated         which terms have weights that vary with the coordination of the central atom: 0 none, 3 those of three
                  bodies, 4 those of four bodies too
    bend          Å; radial functions are finest below it
    decay         the k-th radial function has a prior width of (1 + k)^-decay
    nearest       Å; radial functions are orthogonal polynomials from here on
    members       draws from the posterior, whose disagreement is the doubt; 0: none
    stress_share  weight of stress beside forces where frames have it
    """

    cutoff: float = 6.0
    reach: float = 4.3
    radial_two: int = 10
    radial: int = 7
    degree: int = 4
    radial_four: int | None = None
    degree_four: int = 4
    gated: int = 4
    bend: float = 2.5
    decay: float = 1.0
    nearest: float = 0.7
    members: int = 6
    stress_share: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.nearest < self.reach <= self.cutoff:
            raise InputError(
                f"functions begin at {self.nearest} Å: many-body terms must reach farther (reach={self.reach}), "
                f"and no farther than two-body terms (cutoff={self.cutoff})."
            )
        if (
            min(self.radial, self.radial_two) < 2
            or self.degree < 0
            or not 0 <= self.four <= self.radial
            or self.bend <= 0
        ):
            raise InputError("an acorn needs 2 radial functions or more, and no more of them in four-body terms.")
        if self.degree_four > self.degree:
            raise InputError("the degree of four-body terms cannot exceed that of three-body terms.")
        if self.gated not in (0, 3, 4):
            raise InputError(f"gated={self.gated} must be 0, 3 or 4.")
        if self.members == 1 or self.members < 0:
            raise InputError("one draw cannot disagree; give 0 members, or 2 and more.")

    def sized(self, kinds: int) -> "AcornConfig":
        """For so many elements: with the number of four-body radial functions that was left open."""
        if self.radial_four is not None:
            return self
        return replace(self, radial_four=max(2, min(self.radial, CHANNELS // kinds)))

    @property
    def four(self) -> int:
        """Radial functions of four-body terms; 0 while they are left open."""
        return self.radial_four or 0
