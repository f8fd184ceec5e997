"""The lab's numbers: means and standard deviations side by side, and the Kolmogorov-Smirnov test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
from numpy.typing import ArrayLike

from synthfin_core.evaluation import KS_CAVEAT, moments_table
from synthfin_core.lab.preparing import feature_table

Data = pd.DataFrame | ArrayLike


def calculate_statistical_metrics(data_dict: Mapping[str, Data], feature_names: Sequence[str]) -> pd.DataFrame:
    """Print and return mean and standard deviation of each feature in each data set.

    Parameters
    ----------
    data_dict : dict of str to DataFrame or array
        Label, for example ``"Real"``, to a table with the named columns or an array whose last axis holds them.
    feature_names : sequence of str

    Returns
    -------
    DataFrame
        One row for each feature and data set; columns ``mean`` and ``standard deviation``, in the data's own units.

    Raises
    ------
    DataError
        If a data set lacks a feature.
    """
    windows = {
        label: feature_table(data, feature_names).to_numpy()[:, None, :]  # (n, 1, features)
        for label, data in data_dict.items()
    }
    moments = moments_table(windows, list(feature_names))
    table = moments.rename(columns={"series": "feature"}).set_index(["feature", "data"])[["mean", "standard deviation"]]
    print(table.to_string(float_format="{:.4f}".format))
    return table


def perform_kolmogorov_smirnov_test(
    real_data: Data, synthetic_data: Data, feature_names: Sequence[str]
) -> pd.DataFrame:
    """Print and return the two-sample Kolmogorov-Smirnov test of each feature, and say how to read it.

    The statistic is the largest gap between the two distribution functions, 0 when they are the same and 1 when
    they share nothing.

    Parameters
    ----------
    real_data, synthetic_data : DataFrame or array
        Tables with the named columns, or arrays whose last axis holds the features.
    feature_names : sequence of str

    Returns
    -------
    DataFrame
        One row a feature; columns ``statistic`` and ``p-value``.

    Raises
    ------
    DataError
        If one side lacks a feature.
    """
    from scipy.stats import ks_2samp

    names = list(feature_names)
    real, synthetic = feature_table(real_data, names), feature_table(synthetic_data, names)
    tests = [ks_2samp(real[name], synthetic[name]) for name in names]
    table = pd.DataFrame(
        {"statistic": [float(test.statistic) for test in tests], "p-value": [float(test.pvalue) for test in tests]},
        index=pd.Index(names, name="feature"),
    )
    print(table.to_string(float_format="{:.4g}".format))
    print(
        "A p-value above 0.05 means that the test found no difference, not that there is none; a small one, that "
        "samples of one distribution would rarely lie so far apart. " + KS_CAVEAT
    )
    return table
