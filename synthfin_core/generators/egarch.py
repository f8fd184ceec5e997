"""AR-EGARCH of every series, linked by their innovations; and filtered historical simulation.

Sources: Nelson, "Conditional heteroskedasticity in asset returns" (1991); Hansen, "Autoregressive conditional density
estimation" (1994), for the skewed Student-t; Barone-Adesi, Giannopoulos and Vosper, "VaR without correlations for
portfolios of derivative securities" (1999), for innovations drawn again. The equations are in
`synthfin_core.processes.egarch`; each series is fitted by maximum likelihood through `arch`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from synthfin_core import params
from synthfin_core.generators.bars import LawOfBars, history_setting
from synthfin_core.generators.base import Array, Diagnostics
from synthfin_core.params import param
from synthfin_core.processes.egarch import EGARCH
from synthfin_core.processes.series import LEAST_FOR_VOLATILITY
from synthfin_core.processes.student import DEGREES

#: Lags of the mean by the name of the choice; None is chosen series by series.
MEANS: dict[str, tuple[int, ...] | None] = {
    "chosen": None,
    "constant": (),
    "last bar": (1,),
    "last bar, week and month": (1, 5, 20),
}
LINKS = ("joint extremes", "correlation", "none")


def mean_setting() -> Any:
    """The setting that says what the expected value of a bar looks back on."""
    return param(
        "chosen",
        "What the mean of a bar looks back on: chosen gives returns the last bar, and series that stay where they are, "
        "as volumes do, also their averages over 5 and 20 bars.",
        label="Mean from",
        choices=tuple(MEANS),
    )


@dataclass(frozen=True)
class EGARCHConfig(params.Config):
    """Settings of the AR-EGARCH."""

    innovations: str = param(
        "skewed t",
        "Law of the innovations: skewed Student-t has heavy tails and falls harder than it rises.",
        choices=("skewed t", "normal"),
    )
    linked: str = param(
        "joint extremes",
        "How series move together: by a Student-t copula, whose extremes come together, by correlation alone, or not.",
        label="Series linked by",
        choices=LINKS,
    )
    mean: str = mean_setting()
    history: int = history_setting()

    @classmethod
    def tiny(cls) -> Self:
        """Settings that fit in a fraction of a second, for tests."""
        return cls(history=400)

    @classmethod
    def presets(cls) -> dict[str, Self]:
        """Heavy tails that come together, and the textbook's normal innovations."""
        return {"recommended": cls(), "normal": cls(innovations="normal", linked="correlation")}


@dataclass(frozen=True)
class FilteredHistoricalConfig(params.Config):
    """Settings of filtered historical simulation."""

    mean: str = mean_setting()
    history: int = history_setting()

    @classmethod
    def tiny(cls) -> Self:
        """Settings that fit in a fraction of a second, for tests."""
        return cls(history=400)


class FilteredHistorical(LawOfBars):
    """AR-EGARCH whose innovations are vectors of real residuals, drawn again."""

    Config: ClassVar[type[params.Config]] = FilteredHistoricalConfig
    title = "Filtered historical simulation"
    short = "Filtered historical"
    paper = (
        "Barone-Adesi, Giannopoulos and Vosper, VaR without correlations for portfolios of derivative securities "
        "(1999), https://doi.org/10.1002/(SICI)1096-9934(199908)19:5%3C583::AID-FUT5%3E3.0.CO;2-S"
    )
    least_bars = LEAST_FOR_VOLATILITY

    def diagnostics(self) -> Diagnostics:
        """Series that had to be simplified."""
        said = self.process.fallback if hasattr(self, "process") else ""
        return Diagnostics(warnings=[said] if said else [])

    def _fitted(self, strips: Sequence[Array]) -> EGARCH:
        return EGARCH.fit(strips, innovations="resampled", lags=MEANS[self.config.mean])

    @classmethod
    def _process_from(cls, state: Mapping[str, NDArray[Any]]) -> EGARCH:
        return EGARCH.from_state(state)


class AREGARCH(FilteredHistorical):
    """AR-EGARCH with skewed Student-t innovations, linked across series."""

    Config: ClassVar[type[params.Config]] = EGARCHConfig
    title = "AR-EGARCH with skewed Student-t"
    short = "EGARCH"
    paper = (
        "Nelson, Conditional heteroskedasticity in asset returns: a new approach (1991), "
        "https://doi.org/10.2307/2938260"
    )

    def _fitted(self, strips: Sequence[Array]) -> EGARCH:
        found = EGARCH.fit(strips, innovations=self.config.innovations, lags=MEANS[self.config.mean])
        if self.config.linked == "none":
            found = dataclasses.replace(found, correlation=np.eye(len(found.mean)))
        if self.config.linked != "joint extremes":
            # A Student-t copula with correlation 0 would still let extremes come together.
            found = dataclasses.replace(found, degrees=DEGREES[-1])
        return found
