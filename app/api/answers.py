"""How the routes answer: JSON that is never cached, and errors as one sentence with the right status."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from synthfin_core.errors import DamagedRun, RunNotFound, SynthFinError

FRESH = {"Cache-Control": "no-store"}

Answer = Callable[[Any, Request], Awaitable[Response]]


def json_answer(content: object, status: int = 200) -> JSONResponse:
    """`content` as JSON that no cache keeps."""
    return JSONResponse(content, status, FRESH)


def plain_errors(answer: Answer) -> Answer:
    """Let a route raise what the library raises; the browser gets the sentence."""

    @wraps(answer)
    async def answered(self: Any, request: Request) -> Response:
        try:
            return await answer(self, request)
        except RunNotFound as error:
            return json_answer({"error": str(error)}, 404)
        except DamagedRun as error:
            return json_answer({"error": str(error)}, 409)
        except SynthFinError as error:
            return json_answer({"error": str(error)}, 400)

    return answered


def whole_number(request: Request, name: str, default: int, most: int) -> int:
    """A whole number from the query, from 0 to `most`.

    Raises
    ------
    SynthFinError
        If it is something else.
    """
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= 19 and int(text) <= most):
        raise SynthFinError(f"{name} is {text[:40]!r}, expected a whole number from 0 to {most}.")
    return int(text)
