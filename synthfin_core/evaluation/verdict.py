"""Verdicts in plain words: what a number means beside its floor, and what all numbers of a data set mean together.

One number: *within the floor* when it is no larger than the 90th percentile of what perfect samples score, *near* up
to twice that, *far* beyond. A group of scores is far when a quarter of its numbers are, two at least. It is
within the floor when its index, the root mean square of its numbers in floors, is no larger than that of nine in ten of
the oracle's own paths: scores of one group move together, and the paths show how much. A data set takes the worst
verdict of its groups, so no lucky group can make up for another; a group of one or two numbers has a verdict of its own
and no say in that.

A data set is *suspiciously close* when more than a third of its numbers are under the floor's 10th percentile, and more
than any of the oracle's paths has and any path's own model: a model comes closer than chance to the very history that
it was fitted to, so the oracle is fitted anew to some of its paths to see how much. It *copies the training data* when
two or more of the alarms of novelty are far and above all of the oracle's own paths: an alarm is near zero in most of
them and well above in a few, so one that is far alone may be chance.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from synthfin_core.evaluation.floors import HIGH, Floor, Floors
from synthfin_core.evaluation.metric import GROUPS, METRICS, Group

WITHIN, NEAR, FAR = "within the floor", "near", "far"
CLOSE, COPIES = "suspiciously close", "copies the training data"

#: From best to worst.
WORDS = (WITHIN, NEAR, FAR)

#: One number counts for at most this many floors in its group's index, and a number that does not exist for as many.
CAP = 5.0

#: A smaller group of numbers has no say in the verdict on the whole data set.
LEAST_NUMBERS = 3

#: A group is far when this share of its numbers is, and no fewer than two.
FAR_SHARE, LEAST_FAR = 0.25, 2

#: A data set is suspicious with more than this share of its numbers under the 10th percentile, and no fewer than three.
CLOSE_SHARE, LEAST_CLOSE = 1 / 3, 3

#: So many alarms of novelty that are far make a copier; one alone may be chance.
LEAST_ALARMS = 2

#: Numbers of this group don't say how realistic data are, but whether they are new.
NOVELTY: Group = "novelty"

Key = tuple[str, str]
Losses = Mapping[Key, float]


def judge(loss: float, floor: Floor | None) -> str:
    """The verdict on one number; empty where there is no floor or no number.

    Examples
    --------
    >>> judge(0.02, Floor(0.01, 0.02, 0.03)), judge(0.05, Floor(0.01, 0.02, 0.03)), judge(0.07, Floor(0.01, 0.02, 0.03))
    ('within the floor', 'near', 'far')
    """
    if floor is None or math.isnan(loss):
        return ""
    return WITHIN if loss <= floor.high else NEAR if loss <= 2 * floor.high else FAR


@dataclass(frozen=True)
class Verdict:
    """What the scores of one data set say together.

    Attributes
    ----------
    word : str
        The worst verdict of its groups, or "copies the training data"; empty without floors.
    flags : tuple of str
        "copies the training data", "suspiciously close".
    groups : dict of str to str
        The verdict of each group of scores.
    within, near, far, missing : int
        How many numbers are within the floor, near, far, and not there although perfect samples have them.
    close : int
        How many are under the floor's 10th percentile.
    """

    word: str = ""
    flags: tuple[str, ...] = ()
    groups: dict[str, str] = field(default_factory=dict)
    within: int = 0
    near: int = 0
    far: int = 0
    missing: int = 0
    close: int = 0

    @property
    def judged(self) -> int:
        """How many numbers a perfect sample has."""
        return self.within + self.near + self.far + self.missing

    @property
    def sentence(self) -> str:
        """The verdict in words, with its counts."""
        if not self.judged:
            return "there is no noise floor to judge it by"
        words = [f"{self.word}: {self.within} of {self.judged} numbers are within the floor, {self.far} far"]
        bad = [GROUPS[group].lower() for group in GROUPS if self.groups.get(group) == FAR]
        if self.missing:
            words.append(f"{self.missing} could not be computed")
        if bad:
            words.append(f"far in {', '.join(bad)}")
        if CLOSE in self.flags:
            words.append(f"suspiciously close in {self.close}")
        return "; ".join(words)


class Judge:
    """Gives verdicts by one set of floors.

    Parameters
    ----------
    floors : Floors
    scores : collection of str
        The scores that were asked for, whether or not there is a number.
    """

    def __init__(self, floors: Floors, scores: Collection[str]) -> None:
        self.floors = {key: floor for key, floor in floors.oracle.items() if key[0] in scores}
        self._losses = floors.losses
        self._fitted = floors.fitted
        paths = max((len(each) for each in floors.losses.values()), default=0)
        # A path may lack a score; then it can't be told which, and the score does not help to calibrate.
        whole = {key: each for key, each in floors.losses.items() if len(each) == paths and key in self.floors}
        self._oracle: list[Losses] = [
            {key: float(each[path]) for key, each in whole.items()} for path in range(paths)
        ]  # fmt: skip

    def verdict(self, losses: Losses) -> Verdict:
        """The verdict on a data set with these losses by score and series."""
        words = {key: judge(losses.get(key, math.nan), floor) for key, floor in self.floors.items()}
        if not words:
            return Verdict()
        groups: dict[str, str] = {group: self._group(group, losses) for group in GROUPS if self._keys(group)}
        close = self._close(losses)
        alarms = sum(word == FAR and self._rings(key, losses[key]) for key, word in words.items())
        copies = alarms >= LEAST_ALARMS
        flags = (COPIES,) * copies + (CLOSE,) * (close > max(CLOSE_SHARE * len(words), self._usual_close()))
        counted = [
            word for group, word in groups.items() if group != NOVELTY and len(self._keys(group)) >= LEAST_NUMBERS
        ]
        worst = COPIES if copies else max(counted or list(groups.values()), key=WORDS.index)
        within, near, far, missing = (sum(word == each for word in words.values()) for each in (*WORDS, ""))
        return Verdict(worst, flags, groups, within, near, far, missing, close)

    def _rings(self, key: Key, loss: float) -> bool:
        """Whether a number is that of an alarm, and above what any path has."""
        return METRICS[key[0]].alarm and loss > float(np.max(self._losses.get(key, 0.0)))

    def _keys(self, group: str) -> list[Key]:
        return [key for key in self.floors if METRICS[key[0]].group == group]

    def _group(self, group: str, losses: Losses) -> str:
        keys = self._keys(group)
        usual = [self._index(keys, path) for path in self._oracle]
        far = sum(judge(losses.get(key, math.inf), self.floors[key]) == FAR for key in keys)
        if far >= FAR_SHARE * len(keys) and far >= min(LEAST_FAR, len(keys)):
            return FAR
        most = float(np.percentile(usual, HIGH)) if usual else 1.0
        return WITHIN if self._index(keys, losses) <= most else NEAR

    def _index(self, keys: Iterable[Key], losses: Losses) -> float:
        """Root mean square of the numbers in floors, each from 0 to `CAP`."""
        found = []
        for key in keys:
            loss, high = losses.get(key, math.inf), self.floors[key].high
            found.append(min(max(loss, 0.0) / high, CAP) if high > 0 else CAP * (loss > 0))
        return float(np.sqrt(np.mean(np.square(found))))

    def _close(self, losses: Losses) -> int:
        return sum(losses[key] < floor.low for key, floor in self.floors.items() if key in losses)

    def _usual_close(self) -> int:
        """The most numbers under the 10th percentile that a perfect sample or an honest model has."""
        fitted = ({key: loss for key, loss in path.items() if key in self.floors} for path in self._fitted)
        return max([LEAST_CLOSE - 1, *(self._close(path) for path in (*self._oracle, *fitted))])
