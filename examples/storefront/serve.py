"""A shop of its own, beside the hub: serves the page and says which keys the page speaks with.

    python examples/storefront/serve.py --keys .tutti/demo-keys.json

A real shop makes the customer's token on its own server when they log in (`AuthService.customer_token`, an admin
key's right). Here the demo has made one for each persona, and the page lets you choose who you are.
Nothing but Python is needed.
"""

import argparse
import json
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def main() -> int:
    """Serve until interrupted."""
    arguments = _arguments().parse_args()
    try:
        keys = json.loads(arguments.keys.read_text())
        config = config_of(keys, arguments.hub, deadline=arguments.deadline)
    except (OSError, ValueError, KeyError) as error:
        sys.stderr.write(
            f"{arguments.keys} does not hold the demo's keys ({error}); start the hub with "
            "`make run`, or name the file with --keys\n"
        )
        return 2
    with server(config, arguments.host, arguments.port) as serving:
        port = serving.server_address[1]
        sys.stdout.write(f"The storefront is at http://{arguments.host}:{port} and asks {arguments.hub}\n")
        sys.stdout.flush()
        try:
            serving.serve_forever()
        except KeyboardInterrupt:
            return 0
    return 0


def config_of(keys: dict[str, Any], hub: str, *, deadline: int = 2_000) -> dict[str, Any]:
    """Return what the page may know: the two public keys, and a token for each persona."""
    return {
        "hub": hub.rstrip("/"),
        "deadline": deadline,
        "key": keys["browse"],
        "writeKey": keys["ingest"],
        "personas": {user: keys["tokens"][user] for user in keys["personas"]},
    }


def server(config: dict[str, Any], host: str, port: int) -> ThreadingHTTPServer:
    """Return the server, bound and not yet serving."""
    return ThreadingHTTPServer((host, port), partial(_Handler, json.dumps(config).encode()))


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, config: bytes, *given: Any) -> None:
        self._config = config
        super().__init__(*given, directory=str(HERE))

    def do_GET(self) -> None:
        if self.path.partition("?")[0] == "/config.json":
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Cache-Control", "no-store")
            self.send_header("Content-Length", str(len(self._config)))
            self.end_headers()
            self.wfile.write(self._config)
        else:
            super().do_GET()

    def log_message(self, *_given: Any) -> None:
        """Say nothing of each request."""


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Serve the example shop.", formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--hub", default="http://127.0.0.1:8470", help="where the hub is reached")
    parser.add_argument(
        "--keys",
        type=Path,
        default=Path(".tutti/demo-keys.json"),
        help="the file of keys that the demo wrote",
    )
    parser.add_argument(
        "--deadline", type=int, default=2_000, help="milliseconds that the page waits for the hub"
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8480, help="port to listen on")
    return parser


if __name__ == "__main__":
    sys.exit(main())
