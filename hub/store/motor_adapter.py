"""A Motor client behind PyMongo Async's interface, for applications that already hold one.

Motor's methods carry the same names and, but for these, the same shapes:

    PyMongo Async (what the hub writes)           Motor
    await collection.aggregate(...) -> cursor     collection.aggregate(...) -> cursor
    await collection.list_indexes() -> cursor     without await
    async with await x.watch(...)                 async with x.watch(...)
    client.start_session()                        await client.start_session()
    async with await session.start_transaction()  async with session.start_transaction()
    await client.close()                          client.close()

So the adapter hands everything through and puts itself between only there, and where a session or a
collection goes in or comes out. Motor is past its end of life; PyMongo Async is what the hub uses itself.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Self, cast

from pymongo import AsyncMongoClient

Name = str


def is_motor(client: Any) -> bool:
    """Tell whether a client is Motor's, without importing Motor."""
    return any(cls.__module__.split(".")[0] == "motor" for cls in type(client).__mro__)


def adapt(client: Any) -> AsyncMongoClient[dict[str, Any]]:
    """Return a Motor client as what the hub works with. It stays its maker's to close."""
    return cast("AsyncMongoClient[dict[str, Any]]", _Client(client))


class _Handing:
    """Hands everything to the Motor object, with sessions unwrapped on the way in."""

    def __init__(self, motor: Any) -> None:
        self._motor = motor

    def __getattr__(self, name: Name) -> Any:
        value = getattr(self._motor, name)
        if type(value).__name__.endswith(("Database", "Collection")):  # client.admin, db.profiles
            return self[name]
        if not callable(value):
            return value

        def call(*args: Any, **kwargs: Any) -> Any:
            return value(*args, **_unwrapped(kwargs))

        return call

    def __getitem__(self, name: Name) -> Any:
        return self._motor[name]

    async def watch(self, *args: Any, **kwargs: Any) -> Any:
        """Open a change stream."""
        return self._motor.watch(*args, **_unwrapped(kwargs))


class _Client(_Handing):
    def __getitem__(self, name: Name) -> "_Database":
        return _Database(self._motor[name], self)

    def get_database(self, *args: Any, **kwargs: Any) -> "_Database":
        return _Database(self._motor.get_database(*args, **kwargs), self)

    def start_session(self, **kwargs: Any) -> "_Session":
        return _Session(self._motor, kwargs)

    async def close(self) -> None:
        self._motor.close()


class _Database(_Handing):
    def __init__(self, motor: Any, client: _Client) -> None:
        super().__init__(motor)
        self.client = client

    def __getitem__(self, name: Name) -> "_Collection":
        return _Collection(self._motor[name], self)

    def get_collection(self, *args: Any, **kwargs: Any) -> "_Collection":
        return _Collection(self._motor.get_collection(*args, **kwargs), self)

    def with_options(self, **kwargs: Any) -> "_Database":
        return _Database(self._motor.with_options(**kwargs), self.client)

    async def create_collection(self, *args: Any, **kwargs: Any) -> "_Collection":
        return _Collection(await self._motor.create_collection(*args, **_unwrapped(kwargs)), self)

    async def drop_collection(self, name_or_collection: Any, **kwargs: Any) -> Any:
        return await self._motor.drop_collection(_motor_of(name_or_collection), **_unwrapped(kwargs))

    async def aggregate(self, *args: Any, **kwargs: Any) -> Any:
        return self._motor.aggregate(*args, **_unwrapped(kwargs))


class _Collection(_Handing):
    def __init__(self, motor: Any, database: _Database) -> None:
        super().__init__(motor)
        self.database = database

    def __getitem__(self, name: Name) -> "_Collection":
        return _Collection(self._motor[name], self.database)

    def with_options(self, **kwargs: Any) -> "_Collection":
        return _Collection(self._motor.with_options(**kwargs), self.database)

    async def aggregate(self, *args: Any, **kwargs: Any) -> Any:
        return self._motor.aggregate(*args, **_unwrapped(kwargs))

    async def list_indexes(self, **kwargs: Any) -> Any:
        return self._motor.list_indexes(**_unwrapped(kwargs))


class _Session:
    """A session; it begins when it is entered, since Motor begins one with an await."""

    def __init__(self, client: Any, options: dict[str, Any]) -> None:
        self._client = client
        self._options = options
        self.motor: Any = None

    async def __aenter__(self) -> Self:
        self.motor = await self._client.start_session(**self._options)
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.motor.end_session()

    async def start_transaction(self, **options: Any) -> Any:
        return self.motor.start_transaction(**options)

    async def with_transaction(self, callback: Callable[[Any], Awaitable[Any]], **options: Any) -> Any:
        async def called(_motor: Any) -> Any:
            return await callback(self)

        return await self.motor.with_transaction(called, **options)

    def __getattr__(self, name: Name) -> Any:
        return getattr(self.motor, name)


def _unwrapped(kwargs: dict[str, Any]) -> dict[str, Any]:
    session = kwargs.get("session")
    return {**kwargs, "session": session.motor} if isinstance(session, _Session) else kwargs


def _motor_of(value: Any) -> Any:
    return value._motor if isinstance(value, _Handing) else value  # noqa: SLF001  (its own kind)
