"""A hub as its users have it: the command, a process, a port, the embedded store and the demo brand."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

START_SECONDS = 180
CONTRACT = Path(__file__).parent.parent / "contract"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class HubProcess:
    """One `tutti run` and a client for it."""

    data_dir: Path
    port: int
    demo: bool = True
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.data_dir.parent / f"{self.data_dir.name}-{self.port}.log"

    @property
    def keys(self) -> dict[str, Any]:
        return json.loads((self.data_dir / "demo-keys.json").read_text())

    def start(self) -> "HubProcess":
        command = [sys.executable, "-m", "hub", "run", *(["--demo"] if self.demo else [])]
        environment = os.environ | {
            "TUTTI_DATA_DIR": str(self.data_dir),
            "TUTTI_PORT": str(self.port),
            "TUTTI_LOG_FORMAT": "json",
        }
        environment.pop("TUTTI_MONGODB_URI", None)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        return self

    def wait_ready(self) -> "HubProcess":
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert self.process is not None
            if self.process.poll() is not None:
                pytest.fail(f"the hub ended with {self.process.returncode}:\n{self.log.read_text()[-4000:]}")
            try:
                if httpx.get(f"{self.url}/readyz", timeout=2).status_code == 200:
                    return self
            except httpx.TransportError:
                pass
            time.sleep(0.2)
        pytest.fail(f"the hub was not ready after {START_SECONDS} s:\n{self.log.read_text()[-4000:]}")

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)

    def ask(
        self,
        query: str,
        variables: dict[str, Any] | None = None,
        *,
        operation: str | None = None,
        key: str = "admin",
        token: str | None = None,
    ) -> dict[str, Any]:
        """Send a document and return the whole GraphQL answer."""
        headers = {"Authorization": f"Bearer {self.keys[key]}"}
        if token is not None:
            headers["X-Tutti-Customer"] = token
        body = {"query": query, "variables": variables or {}, "operationName": operation}
        answer = httpx.post(f"{self.url}/graphql", json=body, headers=headers, timeout=30)
        assert answer.headers["content-type"].startswith("application/"), answer.text
        return answer.json()

    def data(self, query: str, variables: dict[str, Any] | None = None, **how: Any) -> dict[str, Any]:
        """Send a document that must succeed and return its data."""
        answer = self.ask(query, variables, **how)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def contract(self, name: str) -> str:
        """Return a document of the contract as it stands."""
        return (CONTRACT / f"{name}.graphql").read_text()
