"""What the browser asks for directly, past Streamlit: progress, previews, decoded latents, and Plotly's script.

    GET  /synthfin/plotly.min.js
    GET  /synthfin/runs/{run_id}/progress?offset=N
    GET  /synthfin/runs/{run_id}/preview
    POST /synthfin/runs/{run_id}/decode?seed=N&paths=K    body: z as float32

Everything is read through the store, which lets no name out of its folder. No route changes anything.
"""

from __future__ import annotations

from starlette.routing import Route

from app.api.decoding import Decoder
from app.api.plotly_script import plotly_script
from app.api.progress import Progress
from synthfin_core.store import Store


def base_path() -> str:
    """Path under which the routes live; Streamlit does not put the server's base path before them by itself."""
    import streamlit as st

    prefix = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{prefix}/synthfin" if prefix else "/synthfin"


def routes(store: Store, base: str) -> list[Route]:
    """The routes over one store, below the path `base`."""
    progress = Progress(store)
    decoder = Decoder(store)
    return [
        Route(f"{base}/plotly.min.js", plotly_script),
        Route(f"{base}/runs/{{run_id}}/progress", progress.progress),
        Route(f"{base}/runs/{{run_id}}/preview", progress.preview),
        Route(f"{base}/runs/{{run_id}}/decode", decoder.decode, methods=["POST"]),
    ]
