"""Answers that leave at once.

Streamlit binds its socket without naming the protocol, and asyncio then does not switch off Nagle's algorithm for the
connections it accepts. Headers and body are two small writes, so every answer would wait some 40 ms for the browser's
acknowledgement of the first: twice as long as decoding a latent point takes. Connections inherit the option from the
socket they came in by.
"""

from __future__ import annotations

import contextlib
import os
import socket


def send_at_once() -> int:
    """Switch Nagle's algorithm off on every TCP socket of this process, and return how many there are."""
    found = 0
    for name in _open_files():
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(int(name))) as end:
            if end.family in (socket.AF_INET, socket.AF_INET6) and end.type == socket.SOCK_STREAM:
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                found += 1
    return found


def _open_files() -> list[str]:
    """Numbers of the open files; none where the system does not list them."""
    with contextlib.suppress(OSError):
        return os.listdir("/dev/fd")
    return []
