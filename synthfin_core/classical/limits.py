"""How many factors, components and states data can bear: asked before anything is fitted, and by the forms."""

from __future__ import annotations

from synthfin_core.errors import SettingError

LEAST_ROWS = 30  #: windows, or bars, for each component or state: fewer would be learned by heart


def most_components(rows: int, dimensions: int = 0) -> int:
    """The most components that `rows` windows or bars bear; see `check_components`."""
    return rows // _each(dimensions)


def check_components(components: int, rows: int, what: str, dimensions: int = 0, called: str = "components") -> None:
    """Refuse more components, or states, than `rows` windows or bars bear.

    Each needs some rows of its own, and one with a covariance of `dimensions` directions needs more rows than those.

    Raises
    ------
    SettingError
        If there are.
    """
    most = most_components(rows, dimensions)
    if components > most:
        raise SettingError(
            f"{components} {called} are too many for {rows} {what}, expected at most {most} of at least "
            f"{_each(dimensions)} {what} each: use fewer {called} or a longer history."
        )


def most_factors(rows: int, numbers: int) -> int:
    """The most factors that `rows` of so many numbers bear; see `check_factors`."""
    return min(rows, numbers) - 1


def check_factors(factors: int, rows: int, numbers: int, what: str, wider: str) -> None:
    """Refuse more factors than a row has numbers, less one, and than there are rows, less one.

    With as many factors as numbers nothing is left to noise, and `n` rows spread along `n - 1` directions at most.

    Parameters
    ----------
    factors, rows, numbers : int
    what : str
        The rows in words, such as "windows of 4 bars by 5 series".
    wider : str
        What would make them hold more numbers, such as "longer windows".

    Raises
    ------
    SettingError
        If there are.
    """
    most = most_factors(rows, numbers)
    if factors <= most:
        return
    if rows < numbers:
        what, wider = f"{rows} {what}", "a longer history"
    raise SettingError(
        f"{factors} factors are too many for {what}, expected at most {most}: use fewer factors or {wider}."
    )


def _each(dimensions: int) -> int:
    """Rows that a component needs."""
    return max(LEAST_ROWS, dimensions + 1)
