"""The Python face: the few calls that take data to a model and a model to numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synthfin_core.data.load import load
from synthfin_core.data.windows import Windows, make_windows
from synthfin_core.errors import SettingError
from synthfin_core.evaluation import evaluate
from synthfin_core.pipeline import Pipeline
from synthfin_core.registry import generator_class

if TYPE_CHECKING:
    from synthfin_core.generators.base import OnStep
    from synthfin_core.params import Config, Value

__all__ = ["evaluate", "fit", "load", "make_windows", "settings"]


def settings(generator: str, preset: str | None = None, **changes: Value) -> Config:
    """A generator's settings: a preset, or the recommended ones, with changes.

    Parameters
    ----------
    generator : str
        Name in `GENERATORS`.
    preset : str, optional
        Name in the generator's presets, or a word of it: ``"lab"`` finds ``"the lab's"``.
    **changes
        Single settings, for example ``epochs=20``.

    Raises
    ------
    SettingError
        If the generator, the preset or a setting is unknown, or a value is out of bounds.
    """
    config = generator_class(generator).Config
    presets = config.presets()
    if preset is None:
        return config.from_dict(changes)
    found = [name for name in presets if preset.lower() in name.lower()]
    if preset not in presets and len(found) != 1:
        raise SettingError(f"The {generator} has no preset {preset!r}; there are {', '.join(presets)}.")
    return config.from_dict({**presets[preset if preset in presets else found[0]].to_dict(), **changes})


def fit(
    windows: Windows,
    generator: str = "vae",
    *,
    seed: int = 0,
    preset: str | None = None,
    on_step: OnStep | None = None,
    **config: Value,
) -> Pipeline:
    """Train a generator on the training windows.

    Parameters
    ----------
    windows : Windows
        What `make_windows` gave.
    generator : str
        Name in `GENERATORS`.
    seed : int
        The same seed, settings and windows give the same model on a CPU.
    preset : str, optional
        Named settings to start from, for example ``"lab"``.
    on_step : callable, optional
        Told of every training step: `Progress` with step, epoch and losses.
    **config
        The generator's settings, for example ``epochs=20``.

    Returns
    -------
    Pipeline
        ``.sample(n, seed)`` draws windows in the data's own units.

    Raises
    ------
    SettingError
        If a setting is unknown or out of bounds.
    DataError
        If the windows can't be learned from.

    Examples
    --------
    >>> import synthfin_core as sf
    >>> windows = sf.make_windows(sf.load("mock"), length=10)
    >>> sf.fit(windows, "vae", epochs=0)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    synthfin_core.errors.SettingError: epochs is 0, expected a whole number from 1 to ...
    """
    return Pipeline(generator, settings(generator, preset, **config)).fit(windows, seed=seed, on_step=on_step)
