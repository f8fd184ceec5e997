"""Verdicts in plain words: what a number means beside its floor, and what all numbers of a data set mean together.

One number: *within the floor* when it is no larger than the 90th percentile of what perfect samples score, *near* up
to twice that, *far* beyond. A data set takes the worst verdict of its groups, so that no single number and no lucky
group can make up for another. How many numbers of a group a perfect sample misses, and how many are better than nine in
ten perfect samples, is read off the oracle's own paths, because scores of one group move together.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from synthfin_core.evaluation.floors import Floor, Floors
from synthfin_core.evaluation.metric import METRICS

WITHIN, NEAR, FAR = "within the floor", "near", "far"
CLOSE, COPIES = "suspiciously close", "copies the training data"

#: From best to worst.
WORDS = (WITHIN, NEAR, FAR)

#: A group is far when more than this share of its numbers is.
FAR_SHARE = 0.25

#: At least this many numbers under the 10th percentile make a data set suspicious, however few an oracle has.
LEAST_CLOSE = 3

#: Numbers of this group don't say how realistic data are, but whether they are new.
NOVELTY = "novelty"

Losses = Mapping[tuple[str, str], float]


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
        "suspiciously close", "copies the training data".
    groups : dict of str to str
        The verdict of each group of scores.
    within, near, far, close : int
        How many numbers are within the floor, near, far, and under the floor's 10th percentile.
    """

    word: str = ""
    flags: tuple[str, ...] = ()
    groups: dict[str, str] = field(default_factory=dict)
    within: int = 0
    near: int = 0
    far: int = 0
    close: int = 0

    @property
    def judged(self) -> int:
        """How many numbers have a verdict."""
        return self.within + self.near + self.far

    @property
    def sentence(self) -> str:
        """The verdict in words, with its counts."""
        if not self.judged:
            return "there is no noise floor to judge it by"
        words = [f"{self.word}: {self.within} of {self.judged} numbers are within the floor, {self.far} far"]
        bad = [group for group, word in self.groups.items() if word == FAR]
        if bad:
            words.append(f"far in {' and '.join(bad)}")
        if CLOSE in self.flags:
            words.append(f"suspiciously close in {self.close}")
        return "; ".join(words)


class Judge:
    """Gives verdicts by one set of floors.

    Parameters
    ----------
    floors : Floors
    """

    def __init__(self, floors: Floors) -> None:
        self.floors = floors
        paths = max((len(each) for each in floors.losses.values()), default=0)
        # A path may lack a score; then it can't be told which, and the score does not help to calibrate.
        whole = {key: each for key, each in floors.losses.items() if len(each) == paths}
        self._oracle = [{key: float(each[path]) for key, each in whole.items()} for path in range(paths)]

    def verdict(self, losses: Losses) -> Verdict:
        """The verdict on a data set with these losses by score and series."""
        words = {key: judge(loss, self.floors.oracle.get(key)) for key, loss in losses.items()}
        words = {key: word for key, word in words.items() if word}
        if not words:
            return Verdict()
        groups = {group: self._group(group, words) for group in _groups(words)}
        close = self._close(losses)
        copies = groups.get(NOVELTY) == FAR
        flags = (COPIES,) * copies + (CLOSE,) * (close > self._usual_close(words))
        realism = [word for group, word in groups.items() if group != NOVELTY] or list(groups.values())
        within, near, far = (sum(word == each for each in words.values()) for word in WORDS)
        worst = COPIES if copies else max(realism, key=WORDS.index)
        return Verdict(worst, flags, groups, within, near, far, close)

    def _group(self, group: str, words: Mapping[tuple[str, str], str]) -> str:
        mine = {key: word for key, word in words.items() if METRICS[key[0]].group == group}
        if group == NOVELTY:  # one copy is a copy, however many other numbers say nothing
            return max(mine.values(), key=WORDS.index)
        usual = [_shares(path, mine, self.floors) for path in self._oracle]
        within, far = (np.array([share[i] for share in usual]) for i in (0, 1))
        n = len(mine)
        far_share = sum(word == FAR for word in mine.values()) / n
        if far_share > max(FAR_SHARE, float(np.percentile(far, 95)) if len(far) else 0.0):
            return FAR
        least = float(np.percentile(within, 5)) if len(within) else 0.9
        return WITHIN if sum(word == WITHIN for word in mine.values()) / n >= min(least, 0.9) else NEAR

    def _close(self, losses: Losses) -> int:
        floors = self.floors.oracle
        return sum(loss < floors[key].low for key, loss in losses.items() if key in floors)

    def _usual_close(self, words: Iterable[tuple[str, str]]) -> float:
        """How many numbers under the 10th percentile a perfect sample has, in all but one case of twenty."""
        asked = set(words)
        counts = [self._close({key: loss for key, loss in path.items() if key in asked}) for path in self._oracle]
        return max(LEAST_CLOSE - 1, float(np.percentile(counts, 95)) if counts else 0.0)


def _groups(words: Iterable[tuple[str, str]]) -> list[str]:
    return list(dict.fromkeys(METRICS[score].group for score, _ in words))


def _shares(path: Losses, asked: Iterable[tuple[str, str]], floors: Floors) -> tuple[float, float]:
    """The shares of a path's numbers that are within the floor, and far."""
    words = [judge(path[key], floors.oracle[key]) for key in asked if key in path]
    return words.count(WITHIN) / max(len(words), 1), words.count(FAR) / max(len(words), 1)
