"""Latent points into paths, as fast as a hand moves a slider.

torch is imported when the first point is asked for, not before. The browser holds at most one request in flight and
sends the newest point next, so nothing queues up here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from app.api.answers import FRESH, plain_errors, whole_number
from app.loaded import pipeline
from synthfin_core.errors import DataError
from synthfin_core.pipeline import Pipeline
from synthfin_core.store import Store

MOST_PATHS = 64
LARGEST_Z = 20.0  #: standard deviations; further out a decoder says nothing
MOST_BYTES = 16_384

Float32 = NDArray[np.float32]


class Decoder:
    """The route that draws paths for a latent point.

    Parameters
    ----------
    store : Store
    """

    def __init__(self, store: Store) -> None:
        self.store = store

    @plain_errors
    async def decode(self, request: Request) -> Response:
        """Float32 bytes `(paths + 1, steps, d)` in the data's own units, the last path being the mean.

        The shape is in the header ``X-Shape``.
        """
        seed = whole_number(request, "seed", 0, 2**31 - 1)
        paths = whole_number(request, "paths", 12, MOST_PATHS)
        z = await _point(request)
        values = await run_in_threadpool(self._decode, request.path_params["run_id"], z, seed, paths)
        headers = FRESH | {"X-Shape": ",".join(map(str, values.shape))}
        return Response(values.tobytes(), headers=headers, media_type="application/octet-stream")

    def _decode(self, run_id: str, z: Float32, seed: int, paths: int) -> Float32:
        model = pipeline(self.store.run(run_id))
        wanted = _latent_size(model)
        if wanted is not None and len(z) != wanted:
            raise DataError(f"The point has {len(z)} numbers, expected {wanted}: one for each latent dimension.")
        point = z[None, :].astype(np.float64)
        drawn = [model.sample_given(np.repeat(point, paths, axis=0), seed=seed)] if paths else []
        x = np.concatenate([*drawn, model.decode(point)])
        return np.ascontiguousarray(model.wrap(x).values(), dtype=np.float32)


def _latent_size(model: Pipeline) -> int | None:
    return getattr(model.generator.config, "latent_dim", None)


async def _point(request: Request) -> Float32:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            break
    if not body or len(body) > MOST_BYTES or len(body) % 4:
        raise DataError(f"The point came as {len(body)} bytes, expected float32 numbers, 4 bytes each.")
    z = np.frombuffer(bytes(body), dtype="<f4").astype(np.float32)
    if not np.isfinite(z).all() or np.abs(z).max() > LARGEST_Z:
        raise DataError(f"The point has a number that is missing or beyond ±{LARGEST_Z:g}, expected numbers within.")
    return z
