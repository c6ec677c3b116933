"""`/opendsr/*`: requests of data subjects from other systems, by OpenDSR 2.0; for administrators' keys.

    GET    /opendsr/discovery         what is supported; needs no key
    GET    /opendsr/certificate.pem   what signatures are checked with; needs no key
    POST   /opendsr/requests          access, portability or erasure
    GET    /opendsr/requests/ID       how it stands
    DELETE /opendsr/requests/ID       cancels it while it is pending

Every answer but an error carries the processor's domain and a signature of its body.
"""

import base64
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hub.auth.model import Caller
from hub.errors import Forbidden, InvalidInput, TooLarge, TuttiError
from hub.privacy.opendsr import DOMAIN_HEADER, SIGNATURE_HEADER, OpenDsrService, discovery

Authenticate = Callable[[Mapping[str, str]], Awaitable[Caller]]
LARGEST = 65_536  # bytes of a request
NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
JSON = "application/json"


def routes(service: OpenDsrService, authenticate: Authenticate) -> list[BaseRoute]:
    """Return the routes of OpenDSR."""
    door = _Door(service, authenticate)
    return [
        Route("/opendsr/discovery", door.discovery, methods=["GET"]),
        Route("/opendsr/certificate.pem", door.certificate, methods=["GET"]),
        Route("/opendsr/requests", door.submit, methods=["POST"]),
        Route("/opendsr/requests/{id}", door.status, methods=["GET"]),
        Route("/opendsr/requests/{id}", door.cancel, methods=["DELETE"]),
    ]


class _Door:
    def __init__(self, service: OpenDsrService, authenticate: Authenticate) -> None:
        self._service = service
        self._authenticate = authenticate

    async def discovery(self, _request: Request) -> Response:
        return await self._signed(discovery(self._service.base_url))

    async def certificate(self, _request: Request) -> Response:
        seal = await self._service.seal()
        return Response(seal.certificate, media_type="application/x-pem-file")

    async def submit(self, request: Request) -> Response:
        try:
            controller = await self._controller(request)
            raw = await _body(request)
            answer = await self._service.submit(_parsed(raw), controller=controller)
        except TuttiError as error:
            return _refused(error)
        return await self._signed({**answer, "encoded_request": base64.b64encode(raw).decode()}, 201)

    async def status(self, request: Request) -> Response:
        try:
            controller = await self._controller(request)
            answer = await self._service.status(request.path_params["id"], controller=controller)
        except TuttiError as error:
            return _refused(error)
        return await self._signed(answer)

    async def cancel(self, request: Request) -> Response:
        try:
            controller = await self._controller(request)
            answer = await self._service.cancel(request.path_params["id"], controller=controller)
        except TuttiError as error:
            return _refused(error)
        return await self._signed(answer, 202)

    async def _controller(self, request: Request) -> str:
        caller = await self._authenticate(request.headers)
        if not caller.may():
            raise Forbidden("requests of data subjects take a key with the scope `admin`")
        return caller.key_name

    async def _signed(self, answer: Mapping[str, Any], status: int = 200) -> Response:
        body = orjson.dumps(answer)
        seal = await self._service.seal()
        headers = {**NO_STORE, DOMAIN_HEADER: self._service.domain, SIGNATURE_HEADER: seal.sign(body)}
        return Response(body, status, headers=headers, media_type=JSON)


async def _body(request: Request) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > LARGEST:
            raise TooLarge(f"a request has at most {LARGEST} bytes")
        parts.append(part)
    return b"".join(parts)


def _parsed(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"the body is not JSON: {error}", code="MALFORMED_JSON") from None


def _refused(error: TuttiError) -> Response:
    """Return an error in the specification's own form."""
    field = ".".join(str(step) for step in error.path)
    detail = {"domain": field or "request", "reason": error.kind, "message": error.message}
    body = {"error": {"code": error.status, "message": error.message, "errors": [detail]}}
    headers = dict(NO_STORE)
    if error.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="tutti", Basic realm="tutti"'
    return Response(orjson.dumps(body), error.status, headers=headers, media_type=JSON)
