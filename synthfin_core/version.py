"""The number that says which code trained a model.

It is part of every run's hash, so raise it by hand whenever the same spec would train to other weights; runs made
before then keep their names and stay readable, and the same spec is trained anew.
"""

from __future__ import annotations

CODE_VERSION = 6
