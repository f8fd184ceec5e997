"""The overall order of models, made so that no single number and no crowd of similar numbers can decide it.

On each score the data sets are ranked by their distance from perfect. Ranks are averaged within a group of scores and
then over the groups, so twenty scores of the marginal distribution weigh as much as six of dependence in time. A data
set that a score could not be computed for takes the last rank there. Data sets of one model, with different seeds,
give the interval.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from synthfin_core.evaluation.floors import Floors
from synthfin_core.evaluation.metric import METRICS

if TYPE_CHECKING:
    from pandas import DataFrame

    from synthfin_core.evaluation.report import Row


def ranking(rows: Sequence[Row], floors: Floors | None, models: Mapping[str, str]) -> DataFrame:
    """Models by their mean rank, best first.

    Parameters
    ----------
    rows : sequence of Row
    floors : Floors or None
        Bring the series of a score on one scale, so that their mean is taken in floors; their own scale without.
    models : dict of str to str
        The model of each data set; its own name when missing.

    Returns
    -------
    DataFrame
        Columns model, rank (mean over its seeds), low and high (its best and worst seed), seeds, and a column for each
        group of scores.
    """
    from pandas import DataFrame

    table = _losses(rows, floors)  # (score, data)
    columns = ["model", "rank", "low", "high", "seeds"]
    if table.empty:
        return DataFrame(columns=columns)
    ranks = table.fillna(math.inf).rank(axis=1, method="average")
    groups = ranks.groupby([METRICS[str(score)].group for score in ranks.index], sort=False).mean()
    overall = groups.mean()
    found = []
    for model in dict.fromkeys(models.get(data, data) for data in overall.index):
        mine = [data for data in overall.index if models.get(data, data) == model]
        record = {"model": model, "rank": overall[mine].mean(), "low": overall[mine].min(), "high": overall[mine].max()}
        found.append(record | {"seeds": len(mine)} | groups[mine].mean(axis=1).to_dict())
    return DataFrame(found, columns=[*columns, *groups.index]).sort_values("rank").reset_index(drop=True)


def _losses(rows: Sequence[Row], floors: Floors | None) -> DataFrame:
    """Mean loss over the series of each score, in floors where there are any."""
    from pandas import DataFrame

    records = []
    for row in rows:
        if METRICS[row.score].better == "none":
            continue
        floor = floors.oracle.get((row.score, row.series)) if floors else None
        scale = floor.high if floor and floor.high > 0 else 1.0
        records.append({"data": row.data, "score": row.score, "loss": row.loss / scale})
    table = DataFrame(records, columns=["data", "score", "loss"])
    if table.empty:
        return table
    beside: DataFrame = table.pivot_table(index="score", columns="data", values="loss", aggfunc=np.mean, sort=False)
    return beside
