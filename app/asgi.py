"""The server: Streamlit's pages, the browser's own routes, and what is made ready before the first visit.

    streamlit run app/asgi.py

Streamlit puts this file's folder on the import path; `app` and `synthfin_core` are found from the folder above.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

import asyncio  # noqa: E402
import gc  # noqa: E402
import logging  # noqa: E402
from collections.abc import AsyncIterator  # noqa: E402
from contextlib import asynccontextmanager  # noqa: E402
from importlib import import_module  # noqa: E402

import streamlit as st  # noqa: E402

from app.api import base_path, routes  # noqa: E402
from app.prompt_answers import send_at_once  # noqa: E402
from synthfin_core.store import Store  # noqa: E402

log = logging.getLogger("synthfin")

IMPORTED_BY_PAGES = ("pandas", "plotly.graph_objects")


@asynccontextmanager
async def lifespan(app: st.App) -> AsyncIterator[None]:
    """Answer at once, and get ready meanwhile."""
    send_at_once()
    warming = asyncio.create_task(asyncio.to_thread(warm_up))
    yield
    warming.cancel()


def warm_up() -> None:
    """Import what pages import, read the default data, start a worker.

    Streamlit collects garbage after every rerun and walks through all that lives; freezing what imports brought in
    makes a rerun several times cheaper. torch stays out: no page needs it until a latent slider moves.
    """
    try:
        for name in IMPORTED_BY_PAGES:
            import_module(name)
        gc.collect()
        gc.freeze()
        from app.ui import cached

        cached.selected(cached.default_setup())
        gc.collect()
        gc.freeze()
        cached.executor()  # last: its own imports would slow down the first page
    except Exception:
        log.exception("Not everything could be made ready; the pages will say what is missing.")


app = st.App(Path(__file__).with_name("main.py"), routes=routes(Store(), base_path()), lifespan=lifespan)
