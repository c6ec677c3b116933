"""Requests of data subjects as other systems send them: OpenDSR 2.0 (https://github.com/opengdpr/OpenDSR).

    pending --(its time has come)--> in_progress --> completed
       +----(DELETE)--> cancelled

A request waits `DELAY` before it is carried out, and can be cancelled while it waits. Every change of state
is told to the request's callback urls: what is to be told stands in the request itself, written together with
the state, so that a crash loses no callback; each is tried again with growing pauses until it is taken.
Whom a request is about is looked up when it comes; the addresses and ids that it names are not kept.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson
import structlog
from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from hub.errors import Conflict, NotFound, TuttiError
from hub.kit.clock import Clock, isoformat
from hub.privacy.erasure import ErasureService
from hub.privacy.export import ExportService
from hub.privacy.signing import Seal, seal_of
from hub.privacy.subjects import API_VERSION, FORMATS, IDENTITY_TYPES, Subjects, validated
from hub.profiles.model import CustomerRef
from hub.profiles.service import ProfileService
from hub.store.database import Store
from hub.store.faults import store_faults

log = structlog.get_logger(__name__)

DELAY = timedelta(seconds=60)  # in which a request can be cancelled
PROMISED = timedelta(hours=24)  # by when it is done
CLAIM = timedelta(seconds=60)  # after which one that is under way is taken for left by a crash
MOST_TRIES = 12
MAINTENANCE_SECONDS = 2.0
CALLBACK_SECONDS = 10.0
DOMAIN_HEADER, SIGNATURE_HEADER = "X-OpenDSR-Processor-Domain", "X-OpenDSR-Signature"
TYPES = ("access", "portability", "erasure")


class OpenDsrService:
    """Takes requests, carries them out, tells how they stand."""

    def __init__(
        self,
        store: Store,
        profiles: ProfileService,
        exports: ExportService,
        erasures: ErasureService,
        clock: Clock,
        base_url: str,
        *,
        client: Callable[[], httpx.AsyncClient] | None = None,
    ) -> None:
        self._db = store.db
        self._requests = store.db["subject_requests"]
        self._subjects = Subjects(store, profiles)
        self._exports = exports
        self._erasures = erasures
        self._clock = clock
        self.base_url = base_url
        self.domain = urlsplit(base_url).hostname or "localhost"
        self._seal: Seal | None = None
        self._client = client or (lambda: httpx.AsyncClient(timeout=CALLBACK_SECONDS, follow_redirects=False))

    async def seal(self) -> Seal:
        """Return what answers are signed with."""
        if self._seal is None:
            self._seal = await seal_of(self._db, self.domain, self._clock.now())
        return self._seal

    async def submit(self, body: Any, *, controller: str) -> dict[str, Any]:
        """Take a request; the same one again is answered as the first time.

        Raises:
            InvalidInput: a field is missing or impossible.
            Conflict: the id was used for another request.
        """
        request = validated(body)
        now = self._clock.now()
        document: dict[str, Any] = {
            "_id": str(request.subject_request_id),
            "type": request.subject_request_type,
            "regulation": request.regulation,
            "controller": controller,
            "status": "pending",
            "received_at": now,
            "due_at": now + DELAY,
            "expected_at": now + PROMISED,
            "profile_ids": await self._subjects.of(request.subject_identities),
            "callbacks": request.status_callback_urls,
            "outbox": [],
        }
        with store_faults():
            try:
                await self._requests.insert_one(document)
            except DuplicateKeyError:
                found = await self._find(document["_id"], controller)
                if found["type"] != document["type"]:
                    raise Conflict(
                        "this subject_request_id was used for another request", path=("subject_request_id",)
                    ) from None
                document = found
        return {**_common(document), "received_time": isoformat(document["received_at"])}

    async def status(self, request_id: str, *, controller: str) -> dict[str, Any]:
        """Return how a request stands.

        Raises:
            NotFound: this controller made none with this id.
        """
        return _status(await self._find(request_id, controller))

    async def cancel(self, request_id: str, *, controller: str) -> dict[str, Any]:
        """Cancel a request that waits.

        Raises:
            NotFound: this controller made none with this id.
            Conflict: it is being carried out, or was.
        """
        await self._find(request_id, controller)
        done = await self._move(
            {"_id": request_id, "status": "pending"}, {"status": "cancelled"}, forget=True
        )
        if done is None:
            raise Conflict("only a request that is pending can be cancelled")
        return {**_common(done), "received_time": isoformat(self._clock.now())}

    async def maintain(self) -> None:
        """Carry out what is due and tell what is to be told, until cancelled."""
        while True:
            try:
                await self.run_due()
                await self.tell()
            except TuttiError as error:
                log.warning("subject requests cannot be looked after, trying again", reason=error.kind)
            await asyncio.sleep(MAINTENANCE_SECONDS)

    async def run_due(self) -> int:
        """Carry out the requests whose time has come, and those that a crash left; return how many."""
        done = 0
        while True:
            now = self._clock.now()
            either = [
                {"status": "pending", "due_at": {"$lte": now}},
                {"status": "in_progress", "claimed_at": {"$lte": now - CLAIM}},
            ]
            claimed = await self._move({"$or": either}, {"status": "in_progress", "claimed_at": now})
            if claimed is None:
                return done
            results = await self._carry_out(claimed)
            await self._move(
                {"_id": claimed["_id"], "status": "in_progress"},
                {"status": "completed", **results},
                forget=True,
            )
            done += 1

    async def tell(self) -> int:
        """Send the callbacks that are due; return how many were taken."""
        now, taken = self._clock.now(), 0
        with store_faults():
            waiting = await self._requests.find({"outbox.due_at": {"$lte": now}}).to_list()
        if not waiting:
            return 0
        async with self._client() as http:
            for document in waiting:
                for entry in document["outbox"]:
                    if entry["due_at"] <= now:
                        taken += await self._send(http, document, entry)
        return taken

    async def _send(
        self, http: httpx.AsyncClient, document: Mapping[str, Any], entry: Mapping[str, Any]
    ) -> bool:
        told = {**_status({**document, "status": entry["status"]}), "status_callback_url": entry["url"]}
        body = orjson.dumps(told)
        seal = await self.seal()
        headers = {
            "Content-Type": "application/json",
            DOMAIN_HEADER: self.domain,
            SIGNATURE_HEADER: seal.sign(body),
        }
        try:
            answer = await http.post(entry["url"], content=body, headers=headers)
            taken = answer.is_success
        except httpx.HTTPError:
            taken = False
        this = {"url": entry["url"], "status": entry["status"]}
        tries = entry["tries"] + 1
        with store_faults():
            if taken or tries >= MOST_TRIES:
                await self._requests.update_one({"_id": document["_id"]}, {"$pull": {"outbox": this}})
            else:
                again = self._clock.now() + timedelta(seconds=2.0**tries)
                await self._requests.update_one(
                    {"_id": document["_id"], "outbox": {"$elemMatch": this}},
                    {"$set": {"outbox.$.tries": tries, "outbox.$.due_at": again}},
                )
        if not taken:
            log.warning("a callback was not taken", host=urlsplit(entry["url"]).hostname, tries=tries)
        return taken

    async def _carry_out(self, document: Mapping[str, Any]) -> dict[str, Any]:
        refs = [CustomerRef("id", profile_id) for profile_id in document.get("profile_ids", ())]
        results: dict[str, Any] = {"results_count": 0}
        for ref in refs:
            try:
                if document["type"] == "erasure":
                    await self._erasures.erase(ref, requested_by="opendsr")
                else:
                    export = await self._exports.grant(ref)
                    kind = "json" if document["type"] == "portability" else "html"
                    results.setdefault("results_url", f"{export.url}?format={kind}")
            except NotFound:  # erased meanwhile, perhaps by this very request before a crash
                continue
            results["results_count"] += 1
        return results

    async def _move(
        self, query: Mapping[str, Any], changes: Mapping[str, Any], *, forget: bool = False
    ) -> dict[str, Any] | None:
        """Change the state of one request and write down whom to tell, in one step."""
        outbox = {
            "$map": {
                "input": "$callbacks",
                "as": "url",
                "in": {"url": "$$url", "status": changes["status"], "tries": 0, "due_at": self._clock.now()},
            }
        }
        literal = {name: {"$literal": value} for name, value in changes.items()}
        again = {"$eq": ["$status", changes["status"]]}  # taken up after a crash: told already
        steps: list[dict[str, Any]] = [
            {"$set": {"outbox": {"$cond": [again, "$outbox", {"$concatArrays": ["$outbox", outbox]}]}}},
            {"$set": literal},
        ]
        if forget:
            steps.append({"$unset": "profile_ids"})
        with store_faults():
            return await self._requests.find_one_and_update(
                query, steps, sort=[("received_at", 1)], return_document=ReturnDocument.AFTER
            )

    async def _find(self, request_id: str, controller: str) -> dict[str, Any]:
        with store_faults():
            found = await self._requests.find_one({"_id": request_id, "controller": controller})
        if found is None:
            raise NotFound("there is no request with this id", path=("subject_request_id",))
        return found


def discovery(base_url: str) -> dict[str, Any]:
    """Return what this processor can do."""
    return {
        "api_version": API_VERSION,
        "supported_identities": [
            {"identity_type": kind, "identity_format": form} for kind in IDENTITY_TYPES for form in FORMATS
        ],
        "supported_subject_request_types": list(TYPES),
        "processor_certificate": f"{base_url}/opendsr/certificate.pem",
    }


def _common(document: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "controller_id": document["controller"],
        "expected_completion_time": isoformat(document["expected_at"]),
        "subject_request_id": document["_id"],
        "api_version": API_VERSION,
    }


def _status(document: Mapping[str, Any]) -> dict[str, Any]:
    told = {**_common(document), "request_status": document["status"]}
    if document["status"] == "completed":
        told |= {name: document[name] for name in ("results_url", "results_count") if name in document}
    return told
