"""Figures in the page's own colours."""

import json

from streamlit.testing.v1 import AppTest

DIVERGING, SEQUENTIAL = "#000021", "#000011"  #: what Streamlit's browser side replaces by the theme's first colours


def maps() -> None:
    import numpy as np
    import pandas as pd

    from app.ui import figures
    from synthfin_core.plots.market import correlation_heatmap
    from synthfin_core.plots.regimes import transitions

    figures.show(correlation_heatmap(pd.DataFrame(np.eye(2)), "correlation"), alt="correlation", key="correlation")
    figures.show(transitions(np.eye(2)), alt="transitions", key="transitions")


def test_maps_take_the_colours_of_the_theme():
    app = AppTest.from_function(maps).run()
    assert not app.exception
    correlation, transitions = (json.loads(chart.proto.spec) for chart in app.get("plotly_chart"))
    assert correlation["layout"]["coloraxis"]["colorscale"][0] == [0, DIVERGING]
    assert correlation["layout"]["coloraxis"]["reversescale"]
    assert transitions["data"][0]["colorscale"][0] == [0, SEQUENTIAL]
    assert "coloraxis" not in transitions["layout"]
