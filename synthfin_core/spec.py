"""What is asked for: a setup of data and windows, and the spec of a run. Both are named by their hash."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from synthfin_core.data.selection import Selection
from synthfin_core.data.windows import WindowSpec
from synthfin_core.errors import SettingError
from synthfin_core.params import Value
from synthfin_core.registry import generator_class
from synthfin_core.version import CODE_VERSION

#: What a panel, a setup or a run may be called; nothing else ever becomes a path.
ID_PATTERN = re.compile(r"[a-z0-9][a-z0-9-]{0,79}")


def slug(text: str, longest: int = 40) -> str:
    """`text` as the readable part of an id: small letters, digits and single hyphens.

    Examples
    --------
    >>> slug("Größe & Kurs (2).csv")
    'gr-e-kurs-2-csv'
    """
    plain = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return plain[:longest].strip("-") or "data"


def digest(values: object) -> str:
    """Hex SHA-256 of plain values, the same whatever the order of their keys."""
    plain = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(plain.encode()).hexdigest()


@dataclass(frozen=True)
class Setup:
    """Data made ready: a stored panel, a selection of it, and the windows cut from that.

    Attributes
    ----------
    panel_id : str
        What `Store.save_panel` gave; it ends in the panel's fingerprint.
    selection : Selection
    windows : WindowSpec
    """

    panel_id: str
    selection: Selection = field(default_factory=Selection)
    windows: WindowSpec = field(default_factory=WindowSpec)

    @property
    def id(self) -> str:
        """A readable name that ends in the setup's hash, for example ``"us-indices-w60-5b1c0f3e"``."""
        return f"{self.label}-{digest(self.to_dict())[:8]}"

    @property
    def label(self) -> str:
        """The panel's name and the windows' length, for example ``"us-indices-w60"``."""
        return f"{self.panel_id.rpartition('-')[0] or self.panel_id}-w{self.windows.length}"

    def to_dict(self) -> dict[str, Any]:
        """The setup as plain values, ready for JSON."""
        return {
            "panel_id": self.panel_id,
            "selection": self.selection.to_dict(),
            "windows": self.windows.to_dict(),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The setup that gave `values`.

        Raises
        ------
        SettingError
            If a part is missing, unknown or out of bounds.
        """
        _exactly(values, "setup", ("panel_id", "selection", "windows"))
        if not isinstance(values["panel_id"], str):
            raise SettingError(f"panel_id is {values['panel_id']!r}, expected the id of a stored panel.")
        return cls(
            panel_id=values["panel_id"],
            selection=Selection.from_dict(values["selection"]),
            windows=WindowSpec.from_dict(values["windows"]),
        )


@dataclass(frozen=True)
class RunSpec:
    """Everything that decides the outcome of a run.

    Settings left out of `config` take their defaults, so that two ways of asking for the same thing have one name.

    Attributes
    ----------
    setup : Setup
    generator : str
        Name in `GENERATORS`.
    config : dict
        The generator's settings as plain values.
    seed : int
    continued_from : str or None
        Id of a run from whose last checkpoint training goes on.
    version : int
        `CODE_VERSION` when the run was asked for. The settings of another version are kept as they were written.

    Raises
    ------
    SettingError
        If there is no such generator, or a setting is unknown or out of bounds.
    """

    setup: Setup
    generator: str
    config: Mapping[str, Value] = field(default_factory=dict)
    seed: int = 0
    continued_from: str | None = None
    version: int = CODE_VERSION

    def __post_init__(self) -> None:
        config = dict(self.config)
        if self.version == CODE_VERSION:
            config = generator_class(self.generator).Config.from_dict(config).to_dict()
        object.__setattr__(self, "config", config)
        if isinstance(self.seed, bool) or not isinstance(self.seed, int):
            raise SettingError(f"seed is {self.seed!r}, expected a whole number.")

    def __hash__(self) -> int:
        return int(self.hash[:15], 16)

    @property
    def hash(self) -> str:
        """Hex SHA-256 of the spec."""
        return digest(self.to_dict())

    @property
    def run_id(self) -> str:
        """The run's name, readable and ending in the spec's hash: ``"vae-us-indices-w60-3f2a91bc"``."""
        return f"{slug(self.generator, 20)}-{self.setup.label}-{self.hash[:8]}"

    def to_dict(self) -> dict[str, Any]:
        """The spec as plain values, ready for JSON."""
        return {
            "setup": self.setup.to_dict(),
            "generator": self.generator,
            "config": dict(self.config),
            "seed": self.seed,
            "continued_from": self.continued_from,
            "version": self.version,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The spec that gave `values`.

        Raises
        ------
        SettingError
            If a part is missing, unknown or out of bounds.
        """
        _exactly(values, "run", ("setup", "generator", "config", "seed", "continued_from", "version"))
        if not isinstance(values["config"], Mapping):
            raise SettingError(f"config is {values['config']!r}, expected settings by name.")
        return cls(**{**values, "setup": Setup.from_dict(values["setup"])})


def _exactly(values: object, what: str, names: tuple[str, ...]) -> None:
    if not isinstance(values, Mapping) or set(values) != set(names):
        came = ", ".join(map(str, values)) if isinstance(values, Mapping) else repr(values)
        raise SettingError(f"The spec of a {what} has {came}, expected exactly {', '.join(names)}.")
