"""The floor: Starlette and orjson, which parse the request and send the same answer, and do nothing else.

python -m benchmarks.floor PORT ANSWER.json
"""

import sys
from pathlib import Path

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


def application(answer: object) -> Starlette:
    """Return the application that always answers the same object, written out anew each time."""

    async def answer_it(request: Request) -> Response:
        orjson.loads(await request.body())
        return Response(orjson.dumps(answer), media_type="application/json")

    return Starlette(routes=[Route("/graphql", answer_it, methods=["POST"])])


if __name__ == "__main__":
    uvicorn.run(
        application(orjson.loads(Path(sys.argv[2]).read_bytes())),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        log_level="warning",
        access_log=False,
    )
