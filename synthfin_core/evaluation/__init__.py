"""Scores of synthetic against real windows. It sees arrays and panels, never a generator."""

from synthfin_core.evaluation.baselines import BASELINES, draw_baseline
from synthfin_core.evaluation.copies import copied_pieces
from synthfin_core.evaluation.curve import CURVES, Points, curve
from synthfin_core.evaluation.dependence import autocorrelation, correlation, usable_lags, volatility_clustering
from synthfin_core.evaluation.distances import KS_CAVEAT
from synthfin_core.evaluation.floors import Floors
from synthfin_core.evaluation.metric import GROUPS, METRICS, Context, Finding, Metric, Needs, metric
from synthfin_core.evaluation.moments import Moments, moments, moments_table
from synthfin_core.evaluation.report import Report
from synthfin_core.evaluation.score import evaluate, measure_floors
from synthfin_core.evaluation.shelf import SHELF
from synthfin_core.evaluation.verdict import Verdict

__all__ = [
    "BASELINES",
    "CURVES",
    "GROUPS",
    "KS_CAVEAT",
    "METRICS",
    "SHELF",
    "Context",
    "Finding",
    "Floors",
    "Metric",
    "Moments",
    "Needs",
    "Points",
    "Report",
    "Verdict",
    "autocorrelation",
    "copied_pieces",
    "correlation",
    "curve",
    "draw_baseline",
    "evaluate",
    "measure_floors",
    "metric",
    "moments",
    "moments_table",
    "usable_lags",
    "volatility_clustering",
]
