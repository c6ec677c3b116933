"""Everything the hub refuses, as one tree of typed errors.

    TuttiError
    ├── InvalidInput      400  the request says something impossible; `path` points at the field
    ├── Unauthenticated   401  no key, or one the hub does not know
    ├── Forbidden         403  a good key whose scope does not reach this far
    ├── NotFound          404
    ├── Conflict          409  somebody else changed it first, or it stands in the way
    ├── TooLarge          413
    ├── NotAvailable      501  this hub does not do that (yet)
    ├── Unavailable       503  the store or the encoder cannot answer now; trying again is sensible
    └── SetupError             the hub cannot start; the message is one sentence that says what to do

Every `message` is written for the person who sent the request: what is wrong, and what to do. None
carries a secret or personal data. HTTP routes render them as problems of RFC 9457, GraphQL as
`UserError` in payloads or as an error with `extensions.code`.
"""

from typing import Any, ClassVar


class TuttiError(Exception):
    """Base of everything the hub refuses on purpose."""

    code: ClassVar[str] = "INTERNAL"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Something went wrong"

    def __init__(self, message: str, *, path: tuple[str | int, ...] = (), code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self._code = code

    @property
    def kind(self) -> str:
        """The code that clients match on: the specific one where there is one, else the class's."""
        return self._code or self.code

    def as_problem(self) -> dict[str, Any]:
        """Return the RFC 9457 problem document."""
        problem: dict[str, Any] = {
            "type": f"urn:tutti:problem:{self.kind.lower().replace('_', '-')}",
            "title": self.title,
            "status": self.status,
            "detail": self.message,
            "code": self.kind,
        }
        if self.path:
            problem["path"] = list(self.path)
        return problem


class InvalidInput(TuttiError):
    """The request says something impossible."""

    code, status, title = "INVALID_INPUT", 400, "Invalid input"


class Unauthenticated(TuttiError):
    """No key, or one that the hub does not know."""

    code, status, title = "UNAUTHENTICATED", 401, "A key is needed"


class Forbidden(TuttiError):
    """A good key whose scope does not reach this far."""

    code, status, title = "FORBIDDEN", 403, "Not allowed with this key"


class NotFound(TuttiError):
    """There is no such thing."""

    code, status, title = "NOT_FOUND", 404, "Not found"


class Conflict(TuttiError):
    """Somebody else changed it first, or something stands in the way."""

    code, status, title = "CONFLICT", 409, "Conflict"


class TooLarge(TuttiError):
    """More than the hub takes in one piece."""

    code, status, title = "TOO_LARGE", 413, "Too large"


class NotAvailable(TuttiError):
    """This hub does not do that."""

    code, status, title = "NOT_AVAILABLE", 501, "Not available"


class Unavailable(TuttiError):
    """The store or the encoder cannot answer now; trying again is sensible."""

    code, status, title = "UNAVAILABLE", 503, "Temporarily unavailable"


class SetupError(TuttiError):
    """The hub cannot start; the message is one sentence that says what to do."""

    code, title = "SETUP", "The hub cannot start"
