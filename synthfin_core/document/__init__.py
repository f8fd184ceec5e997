"""A report as one HTML file for people who have nothing of this installed: data, models, verdicts, figures, record."""

from synthfin_core.document.report import html_report

__all__ = ["html_report"]
