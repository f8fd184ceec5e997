"""Plotly's script for the live curves, from the installed package and compressed once."""

from __future__ import annotations

import gzip
from functools import cache
from importlib.metadata import version
from importlib.resources import files

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

# The version is part of the address, so a copy never goes stale.
KEPT = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}


def plotly_version() -> str:
    """The installed plotly package's version, which names its script."""
    return version("plotly")


@cache
def plotly_bytes() -> tuple[bytes, bytes]:
    """The script as it is, and compressed."""
    plain = files("plotly").joinpath("package_data", "plotly.min.js").read_bytes()
    return plain, gzip.compress(plain, compresslevel=6, mtime=0)


async def plotly_script(request: Request) -> Response:
    """Plotly's script, compressed where the browser takes it."""
    plain, compressed = await run_in_threadpool(plotly_bytes)
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        headers = KEPT | {"Content-Encoding": "gzip"}
        return Response(compressed, headers=headers, media_type="text/javascript")
    return Response(plain, headers=KEPT, media_type="text/javascript")
