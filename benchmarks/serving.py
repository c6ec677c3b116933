"""An experience, from request to durable ledger row, over HTTP against a hub process as users have it.

    python -m benchmarks.serving [--write FILE.json] [--items 5000 50000] [--customers 300] [--requests 300]

Latency is one client's, one request after the other; CPU is the hub process's own (MongoDB not
counted), and from it what one core could do. The floor (benchmarks/floor.py) is measured in the same
run, request by request in turn with the hub, and sends the bytes that the hub sent.
"""

import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from benchmarks import command
from benchmarks.shop import stock

START_SECONDS = 120
WARM = 30
FLOOR_REQUESTS = 3_000  # it is so cheap that the clock's ticks would show

WEB = """
query Page($for: CustomerRef!, $first: Int!) {
  experience(for: $for, channel: WEB, scenario: "home") {
    servedId
    ... on WebExperience {
      slots { key items(first: $first) {
        position score
        content { id key kind title summary url imageUrl price { amount currency } availability }
        why { sentence contributions { layer { name title } weight score contribution rankBefore rankAfter } }
      } }
    }
  }
}
"""
EMAIL = """
query Message($for: CustomerRef!) {
  experience(for: $for, channel: EMAIL, scenario: "newsletter") {
    servedId withheld { code } ... on EmailExperience { subject html text }
  }
}
"""
DESK = """
query Desk($for: CustomerRef!) {
  experience(for: $for, channel: SERVICE_DESK, scenario: "service") {
    servedId ... on ServiceDeskExperience { brief suggestions { title content { key title } } }
  }
}
"""
CHANNELS = {"web": WEB, "email": EMAIL, "service desk": DESK}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def server(
    command: Sequence[str], port: int, environment: dict[str, str] | None = None, *, quiet: bool = False
) -> Iterator[psutil.Process]:
    """Run a server until it has been measured; `quiet` lets it write its log lines where nobody sees them."""
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        env={**os.environ, **(environment or {})},
        stdout=subprocess.DEVNULL if quiet else None,
        stderr=subprocess.DEVNULL if quiet else None,
    )
    try:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        else:
            raise SystemExit(f"{command[0]} did not come up")
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(timeout=30)


class Client:
    """A kept-alive connection: the least a client can cost."""

    def __init__(self, port: int, key: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def post(self, body: bytes) -> bytes:
        self._connection.request("POST", "/graphql", body, self._headers)
        answer = self._connection.getresponse()
        data = answer.read()
        if answer.status != 200:
            raise SystemExit(f"HTTP {answer.status}: {data[:500]!r}")
        return data


def cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def measured(post: Callable[[int], bytes], process: psutil.Process, count: int) -> dict[str, float]:
    """Return latency in ms (p50, p99) and CPU ms per request."""
    for n in range(WARM):
        post(n)
    begun = cpu_seconds(process)
    took = []
    for n in range(count):
        start = time.perf_counter()
        post(n)
        took.append((time.perf_counter() - start) * 1000)
    cpu = (cpu_seconds(process) - begun) / count * 1000
    return {"p50": statistics.median(took), "p99": sorted(took)[int(len(took) * 0.99)], "cpu": cpu}


def measure_size(
    items: int, customers: int, requests: int, folder: Path, tell: Callable[[str], None]
) -> dict[str, float]:
    """Measure the three channels on a catalogue of one size, with the floor beside them."""
    tell(f"stocking a shop of {items} items and {customers} customers")
    data = folder / f"hub-{items}"
    key = command.run(stock(data, items, customers))
    found: dict[str, float] = {}
    port = free_port()
    environment = {"TUTTI_DATA_DIR": str(data), "TUTTI_PORT": str(port), "TUTTI_LOG_LEVEL": "error"}
    with server(["hub", "run"], port, environment) as hub:
        until_ready(port)
        client = Client(port, key)

        def body(document: str, n: int) -> bytes:
            variables: dict[str, Any] = {"for": {"userId": f"customer-{n % customers}"}}
            if "$first" in document:
                variables["first"] = 20
            return json.dumps({"query": document, "variables": variables}).encode()

        for channel, document in CHANNELS.items():
            answer = client.post(body(document, 0))
            if b'"errors"' in answer or b'"servedId":null' in answer:
                raise SystemExit(f"{channel}: {answer[:500]!r}")
            sample = folder / f"{channel}.json"
            sample.write_bytes(answer)
            tell(f"{items} items, {channel}: {requests} requests")
            ours = measured(lambda n, document=document: client.post(body(document, n)), hub, requests)
            floor_port = free_port()
            with server(["benchmarks.floor", str(floor_port), str(sample)], floor_port) as floor:
                other = Client(floor_port, key)
                least = measured(
                    lambda n, other=other, document=document: other.post(body(document, n)),
                    floor,
                    FLOOR_REQUESTS,
                )
            name = f"{channel}, {items} items"
            found[f"{name}: p50 ms"] = round(ours["p50"], 1)
            found[f"{name}: p99 ms"] = round(ours["p99"], 1)
            found[f"{name}: a second and core"] = round(1000 / ours["cpu"])
            found[f"{name}: CPU / floor's CPU"] = round(ours["cpu"] / least["cpu"], 1)
            found[f"{name}: p50 / floor's p50"] = round(ours["p50"] / least["p50"], 1)
        found[f"hub's memory, {items} items, MB"] = round(hub.memory_info().rss / 1e6)
    return found


def until_ready(port: int) -> None:
    """Wait until a hub says that it is ready."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", "/readyz")
        if connection.getresponse().status == 200:
            return
        time.sleep(0.2)
    raise SystemExit("the hub did not become ready")


def main() -> None:
    parser = command.parser(__doc__)
    parser.add_argument("--items", type=int, nargs="+", default=[5_000, 50_000])
    parser.add_argument("--customers", type=int, default=300)
    parser.add_argument("--requests", type=int, default=300)
    arguments = parser.parse_args()
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for items in arguments.items:
            found |= measure_size(
                items,
                arguments.customers,
                arguments.requests,
                Path(folder),
                command.step,
            )
    command.tell("Experiences, request to durable ledger row", found, arguments.write)


if __name__ == "__main__":
    main()
