"""Everything that SynthFin raises or warns about, in one tree.

    SynthFinError
    ├── DataError            the data cannot be used as asked (also a ValueError)
    ├── SettingError         a setting is unknown or out of bounds (also a ValueError)
    ├── TrainingError        training produced numbers that are no numbers
    ├── SourceError          a data source could not deliver (no network, unknown ticker)
    ├── Stopped              long work ended early because it was asked to
    └── StoreError           the store cannot do what was asked
        ├── RunNotFound      no run, data set or setup of that name
        └── DamagedRun       a file of a run is missing, cut off or altered

    SynthFinWarning
    ├── DataWarning          the data were used, but something was done to them
    └── TrainingWarning      training went on, but it does not look healthy

Every message is one sentence that says what came, what was expected and what to do.
"""

from __future__ import annotations


class SynthFinError(Exception):
    """Base of all errors that SynthFin raises on purpose."""


class DataError(SynthFinError, ValueError):
    """The data cannot be used as asked."""


class SettingError(SynthFinError, ValueError):
    """A setting is unknown, of the wrong type or out of bounds."""


class TrainingError(SynthFinError):
    """Training produced numbers that are no numbers."""


class SourceError(SynthFinError):
    """A data source could not deliver."""


class Stopped(SynthFinError):
    """Long work ended early because it was asked to."""


class StoreError(SynthFinError):
    """The store cannot do what was asked."""


class RunNotFound(StoreError, LookupError):
    """No run, data set or setup of that name is in the store."""


class DamagedRun(StoreError):
    """A file of a run is missing, cut off or altered."""


class SynthFinWarning(UserWarning):
    """Base of all warnings that SynthFin gives."""


class DataWarning(SynthFinWarning):
    """The data were used, but something was done to them."""


class TrainingWarning(SynthFinWarning):
    """Training went on, but it does not look healthy."""
