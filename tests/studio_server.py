"""A studio of its own for tests: the real server on a free port with a store in a temporary folder."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).parent.parent
CHROME_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class Studio:
    """The server as `make app` starts it; use it in a `with` block, `restart()` it in between."""

    def __init__(self, store: Path, app: str = "app/asgi.py") -> None:
        self.store = store
        self.app = app
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Studio:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start the server and wait until it answers."""
        command = [sys.executable, "-m", "streamlit", "run", self.app, "--server.port", str(self.port)]
        command += ["--server.address", "127.0.0.1", "--server.headless", "true"]
        environment = {**os.environ, "SYNTHFIN_STORE": str(self.store), "OMP_NUM_THREADS": "1"}
        with open(self.store / "server.log", "ab") as log:
            self._server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        for _ in range(300):
            try:
                with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=1) as answer:
                    if answer.status == 200:
                        return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError("the server did not answer within 30 seconds: " + (self.store / "server.log").read_text())

    def stop(self) -> None:
        """End the server."""
        if self._server is not None:
            self._server.terminate()
            self._server.wait(timeout=20)
            self._server = None

    @property
    def pid(self) -> int:
        """Process id of the server."""
        assert self._server is not None, "the server is not running"
        return self._server.pid

    def restart(self) -> None:
        """End the server and start it again on the same port."""
        self.stop()
        self.start()
