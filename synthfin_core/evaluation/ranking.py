"""The overall order of models, made so that no single number and no crowd of similar numbers can decide it.

With floors, numbers within their floor are as good as each other: what lies below it is noise, and no reason to rank
one model before another. On each score a data set takes the place that it has among the models: one more than the
number of other models whose median is better, ties counted half. Places are averaged within a group of scores and then
over the groups, so twenty scores of single values weigh as much as six of dependence in time. A data set that a score
could not be computed for comes last there. The data sets of one model, which differ in their seed, give the interval.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from synthfin_core.evaluation.floors import Floors
from synthfin_core.evaluation.metric import METRICS

if TYPE_CHECKING:
    from pandas import DataFrame, Series

    from synthfin_core.evaluation.report import Row


def ranking(rows: Sequence[Row], floors: Floors | None, models: Mapping[str, str]) -> DataFrame:
    """Models by their mean place, best first.

    Parameters
    ----------
    rows : sequence of Row
    floors : Floors or None
        Bring the series of a score on one scale, so that their mean is taken in floors, and one floor is the least.
    models : dict of str to str
        The model of each data set; its own name when missing.

    Returns
    -------
    DataFrame
        Columns model, rank (mean over its seeds, 1 is best), low and high (its best and worst seed), seeds, and a
        column for each group of scores.
    """
    from pandas import DataFrame

    table = _losses(rows, floors)  # (score, data)
    columns = ["model", "rank", "low", "high", "seeds"]
    if table.empty:
        return DataFrame(columns=columns)
    model_of = {str(data): models.get(str(data), str(data)) for data in table.columns}
    places = table.apply(_places, axis=1, model_of=model_of)
    groups = places.groupby([METRICS[str(score)].group for score in places.index], sort=False).mean()
    overall = groups.mean()
    found = []
    for model in dict.fromkeys(model_of.values()):
        mine = [data for data in model_of if model_of[data] == model]
        record = {"model": model, "rank": overall[mine].mean(), "low": overall[mine].min(), "high": overall[mine].max()}
        found.append(record | {"seeds": len(mine)} | groups[mine].mean(axis=1).to_dict())
    return DataFrame(found, columns=[*columns, *groups.index]).sort_values("rank").reset_index(drop=True)


def _places(losses: Series, model_of: Mapping[str, str]) -> Series:
    """The place of each data set among the models, on one score."""
    from pandas import Series

    medians = losses.groupby(lambda data: model_of[str(data)]).median()
    places = {}
    for data, loss in losses.items():
        others = medians.drop(model_of[str(data)])
        places[data] = 1 + (others < loss).sum() + (others == loss).sum() / 2
    return Series(places)


def _losses(rows: Sequence[Row], floors: Floors | None) -> DataFrame:
    """Mean loss over the series of each score, in floors where there are any; infinite where there is no number."""
    from pandas import DataFrame

    records = []
    for row in rows:
        if METRICS[row.score].better == "none":
            continue
        floor = floors.oracle.get((row.score, row.series)) if floors else None
        loss = row.loss if floor is None else max(row.loss / floor.high, 1.0) if floor.high > 0 else 1.0 + row.loss
        records.append({"data": row.data, "score": row.score, "loss": loss})
    table = DataFrame(records, columns=["data", "score", "loss"])
    if table.empty:
        return table
    beside: DataFrame = table.pivot_table(index="score", columns="data", values="loss", aggfunc=np.mean, sort=False)
    return beside.fillna(math.inf)
