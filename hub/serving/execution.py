"""Operations executed on one schema, whatever door they came through: checked, once, or as a stream.

    HTTP, JSON        http.py      one request, one reply
    HTTP, SSE         sse.py       one request, a stream of results
    WebSocket         sockets.py   many operations side by side

All three pass the same gate (`check`): the document is parsed, limited and validated, and its price is
paid with these variables. The context is made afterwards, so that nonsense costs no look at the store.
"""

import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, TypeVar

from graphql import (
    ExecutionResult,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    create_source_event_stream,
    execute,
)
from graphql.execution import Executor

from hub.errors import Unavailable
from hub.kit.deadline import within
from hub.kit.leaving import Leaving
from hub.serving.documents import Documents, Prepared, is_subscription
from hub.serving.masking import as_entry
from hub.serving.plans import PlannedExecutor, Reader
from hub.serving.requests import GraphQLRequest

T = TypeVar("T")
ContextFactory = Callable[[Mapping[str, str]], Awaitable[Any]]
MOST_FAULTS = 5  # told of one request's variables


class NotExecutable(Exception):
    """A request that cannot be executed, or a stream that cannot go on; `errors` say why."""

    def __init__(self, errors: tuple[GraphQLError, ...]) -> None:
        super().__init__(*(error.message for error in errors))
        self.errors = errors

    @property
    def entries(self) -> list[dict[str, Any]]:
        """The entries of a response's `errors`."""
        return [as_entry(error) for error in self.errors]


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation that passed the gate."""

    asked: GraphQLRequest
    prepared: Prepared
    node: OperationDefinitionNode

    @property
    def streams(self) -> bool:
        """Whether its answer is a stream."""
        return is_subscription(self.node)


class Execution:
    """Executes operations on one schema.

    Args:
        schema: the executable schema.
        documents: prepares and remembers documents.
        context: makes a context out of a request's headers; raises `TuttiError` for those whom it refuses.
        deadline: seconds after which a request, or one event of a stream, is given up.
        reader: tells which fields only read, so that plans can be compiled for them; None: no plans.
        asking: makes of a context what such fields see of it.
        leaving: tells of a context what its answer waits for before it leaves; None: for nothing.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        documents: Documents,
        context: ContextFactory,
        *,
        deadline: float,
        reader: Reader | None = None,
        asking: Callable[[Any], Any] | None = None,
        leaving: Callable[[Any], Leaving] | None = None,
    ) -> None:
        self._schema = schema
        self._documents = documents
        self._context = context
        self._deadline = deadline
        self._leaving = leaving
        self._planned: dict[str, Any] = {}
        if reader is not None:
            self._planned = {"executor_class": PlannedExecutor, "reader": reader}
            if asking is not None:
                self._planned["asking"] = asking

    def check(self, asked: GraphQLRequest) -> Operation:
        """Let a request through the gate.

        Raises:
            NotExecutable: it may not be executed.
        """
        prepared = self._documents.prepare(asked.query)
        if prepared.document is None:
            raise NotExecutable(prepared.errors)
        try:
            node = prepared.operation(asked.operation_name)
        except GraphQLError as error:
            raise NotExecutable((error,)) from None
        refusal = self._documents.check_price(prepared, node, asked.variables)
        if refusal is not None:
            raise NotExecutable((refusal,))
        return Operation(asked, prepared, node)

    async def authenticate(self, headers: Mapping[str, str]) -> Any:
        """Return the context that these headers make.

        Raises:
            TuttiError: they make none, or not in time.
        """
        return await self._in_time(_awaited(self._context(headers)))

    async def once(
        self, operation: Operation, headers: Mapping[str, str], tell: Callable[[ExecutionResult], T]
    ) -> T:
        """Execute a query or a mutation and return what `tell` makes of its result.

        It makes that while what the answer waits for goes on, and once more where that went wrong.

        Raises:
            TuttiError: the caller is refused, or the deadline is over (DEADLINE_EXCEEDED).
        """

        async def work() -> T:
            return await self._execute(operation, await self._context(headers), tell)

        return await self._in_time(work())

    async def stream(
        self, operation: Operation, headers: Mapping[str, str]
    ) -> AsyncGenerator[dict[str, Any], None]:
        """Execute a subscription: yield the content of a response for each event of its source, until that ends.

        The caller is looked at again before each result, so that a key that was revoked, or a token that has
        ended, is told nothing more; and each result has an instant of its own.

        Raises:
            TuttiError: the caller is refused, now or later; or a result took too long.
            NotExecutable: the source does not begin, or fails.
        """
        source = await self._source(operation, await self.authenticate(headers))
        try:
            async with aclosing(source):
                async for event in source:
                    yield await self._in_time(self._of_event(operation, headers, event))
        except _SourceFailed as failed:
            raise NotExecutable((_of_field(failed.error, operation.node),)) from None

    async def _source(self, operation: Operation, context: Any) -> AsyncGenerator[Any, None]:
        assert operation.prepared.document is not None
        executor = Executor.build(
            self._schema,
            operation.prepared.document,
            None,
            context,
            dict(operation.asked.variables),
            operation.asked.operation_name,
            max_coercion_errors=MOST_FAULTS,
        )
        if isinstance(executor, list):
            raise NotExecutable(tuple(executor))
        begun = create_source_event_stream(executor)
        source = await begun if inspect.isawaitable(begun) else begun
        if isinstance(source, ExecutionResult):
            raise NotExecutable(tuple(source.errors or ()))
        assert isinstance(source, AsyncGenerator)
        return _told_apart(source)

    async def _of_event(self, operation: Operation, headers: Mapping[str, str], event: Any) -> dict[str, Any]:
        return await self._execute(operation, await self._context(headers), content_of, event)

    async def _execute(
        self, operation: Operation, context: Any, tell: Callable[[ExecutionResult], T], root: Any = None
    ) -> T:
        if self._leaving is None:
            return tell(await self._completed(operation, context, root))
        leaving = self._leaving(context)
        # A mutation is not done twice, so what it says of experiences is durable before it says so.
        leaving.defers = operation.node.operation is OperationType.QUERY
        try:
            told = tell(await self._completed(operation, context, root))
            while not await leaving.settled():
                told = tell(await self._completed(operation, context, root))
        finally:
            leaving.drop()
        return told

    async def _completed(self, operation: Operation, context: Any, root: Any) -> ExecutionResult:
        prepared, asked = operation.prepared, operation.asked
        assert prepared.document is not None
        arguments = {**self._planned, "plans": prepared.plans} if self._planned else {}
        result = execute(
            self._schema,
            prepared.document,
            root_value=root,
            context_value=context,
            variable_values=dict(asked.variables),
            operation_name=asked.operation_name,
            max_coercion_errors=MOST_FAULTS,
            **arguments,
        )
        return await result if inspect.isawaitable(result) else result

    async def _in_time(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return await within(self._deadline, work)
        except TimeoutError:
            raise Unavailable(
                "this took too long and was given up; ask for less, or again later", code="DEADLINE_EXCEEDED"
            ) from None


def was_executed(result: ExecutionResult) -> bool:
    """Tell whether there was execution at all: errors without a path alone are of the request, as of its variables."""
    return result.data is not None or any(error.path is not None for error in result.errors or ())


def content_of(result: ExecutionResult) -> dict[str, Any]:
    """Return a result as the content of a response; `data` only where there was execution."""
    content: dict[str, Any] = {}
    if result.errors:
        content["errors"] = [as_entry(error) for error in result.errors]
    if was_executed(result):
        content["data"] = result.data
    return content


class _SourceFailed(Exception):
    """What a source of events raised, told apart from what executing an event raised."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


async def _told_apart(source: AsyncGenerator[Any, None]) -> AsyncGenerator[Any, None]:
    async with aclosing(source):
        try:
            async for event in source:
                yield event
        except Exception as error:
            raise _SourceFailed(error) from error


def _of_field(error: Exception, node: OperationDefinitionNode) -> GraphQLError:
    """Return an error of the subscription's one field; having a path, it is masked unless made on purpose."""
    found = next(each for each in node.selection_set.selections if isinstance(each, FieldNode))
    name = found.alias or found.name
    return GraphQLError(str(error), nodes=[found], path=[name.value], original_error=error)


async def _awaited(work: Awaitable[T]) -> T:
    return await work
