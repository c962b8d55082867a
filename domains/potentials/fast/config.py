"""What an acorn potential is made of."""

from dataclasses import dataclass, replace

from ....shared.errors import InputError

CHANNELS = 9, 12  # of four-body terms, over all elements: with few frames, and with many
REACHES = 4.3, 6.0  # Å; that of molecules, and what is tried beside it for crystals


@dataclass(frozen=True)
class AcornConfig:
    """Sizes and shapes of the basis; the defaults were chosen by leaving out frames of 50 rMD17 ethanol frames.

    cutoff        Å beyond which atoms do not see each other; two-body terms reach so far
    reach         Å to which three- and four-body terms reach; None: 4.3, or for periodic frames 6 where frames that
                  are left out are said better with it; no farther than `cutoff`
    radial_two    radial functions of two-body terms, for each element
    radial        radial functions of three-body terms, for each element
    degree        highest degree of the harmonics of three-body terms
    radial_four   radial functions of four-body terms, for each element; 0: no such terms; None: nine in all, or twelve
                  where there are many frames, shared by the elements, at least two for each
    degree_four   highest degree of the harmonics of four-body terms
    gated         which terms have weights that vary with the coordination of the central atom: 0 none, 3 those of three
                  bodies, 4 those of four bodies too; None: 4, or 0 where there are many frames, from which finer
                  functions learn more
    bend          Å; radial functions are finest below it
    decay         the k-th radial function has a prior width of (1 + k)^-decay
    nearest       Å; radial functions are orthogonal polynomials from here on
    members       draws from the posterior, whose disagreement is the doubt; 0: none
    stress_share  weight of stress beside forces where frames have it
    memory        GB that equations may take where there are many frames: the basis is cut until they fit
    columns       at most, where there are too many equations for that: their products with each other take 8 bytes
                  times columns², and time grows as fast
    whole         whether frames of one molecule get a term of it as a whole, beside those of its atoms; None: where
                  frames that are left out are said better with it
    centres       functions of that term, at most, where there are many frames; they add to `columns`
    """

    cutoff: float = 6.0
    reach: float | None = None
    radial_two: int = 10
    radial: int = 7
    degree: int = 4
    radial_four: int | None = None
    degree_four: int = 4
    gated: int | None = None
    bend: float = 2.5
    decay: float = 1.0
    nearest: float = 0.7
    members: int = 6
    stress_share: float = 1.0
    memory: float = 12.0
    columns: int = 21_000
    whole: bool | None = None
    centres: int = 12_000

    def __post_init__(self) -> None:
        if not 0 < self.nearest < self.near <= self.cutoff:
            raise InputError(
                f"functions begin at {self.nearest} Å: many-body terms must reach farther (reach={self.near}), "
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
        if self.gated not in (None, 0, 3, 4):
            raise InputError(f"gated={self.gated} must be 0, 3 or 4.")
        if not self.memory > 0 or self.columns < 100:
            raise InputError(f"memory={self.memory} GB and columns={self.columns} leave no basis; give more.")
        if self.members == 1 or self.members < 0:
            raise InputError("one draw cannot disagree; give 0 members, or 2 and more.")

    def sized(self, kinds: int, many: bool = False) -> "AcornConfig":
        """For so many elements, and few or many frames: with what was left open."""
        four = max(2, min(self.radial, CHANNELS[many] // kinds)) if self.radial_four is None else self.radial_four
        return replace(self, radial_four=four, gated=self.gates if self.gated is not None or not many else 0)

    @property
    def near(self) -> float:
        """As `reach`; that of molecules while it is left open."""
        return min(REACHES[0], self.cutoff) if self.reach is None else self.reach

    @property
    def four(self) -> int:
        """Radial functions of four-body terms; 0 while they are left open."""
        return self.radial_four or 0

    @property
    def gates(self) -> int:
        """As `gated`; 4 while that is left open."""
        return 4 if self.gated is None else self.gated
