"""`/graphql`: the schema, served."""

from collections.abc import Callable

from graphql import ASTValidationRule, GraphQLField, GraphQLSchema
from starlette.routing import Route
from starlette.types import ASGIApp
from strawberry import Schema
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule
from strawberry.types.field import StrawberryField

from hub.config import Settings
from hub.serving.documents import Documents
from hub.serving.http import ContextFactory, graphql_endpoint
from hub.serving.limits import Limits
from hub.serving.plans import Attribute, Derived
from schema.base import READ

OnErasure = Callable[[Callable[[], None]], None]
RULES: tuple[type[ASTValidationRule], ...] = (MaybeNullValidationRule, OneOfInputValidationRule)


def core_schema(schema: Schema) -> GraphQLSchema:
    """Return graphql-core's schema under Strawberry's, which has no public name there.

    Executing on it directly leaves out Strawberry's extensions (we use none) and parses and validates
    each document once instead of once a request.
    """
    return schema._schema  # noqa: SLF001


def read_of(definition: GraphQLField, _name: str) -> Attribute | Derived | None:
    """Return how a field is read where that is all it does: an attribute, or `schema.base.field(at_once=True)`."""
    ours = definition.extensions.get("strawberry-definition")
    if not isinstance(ours, StrawberryField):
        return None
    if ours.is_basic_field:
        return Attribute(ours.python_name)
    read = ours.metadata.get(READ)
    return None if read is None else Derived(read)


def graphql_app(
    schema: Schema,
    context_factory: ContextFactory,
    settings: Settings,
    on_erasure: OnErasure | None = None,
) -> ASGIApp:
    """Return the ASGI application that serves a schema.

    Args:
        schema: what `schema.schema.build` returned.
        context_factory: makes the `resolvers.context.Context` of a request out of its headers.
        settings: `deadline` and `body_limit` hold here.
        on_erasure: is told how to empty the cache of documents, since clients may write ids into them.
    """
    core = core_schema(schema)
    documents = Documents(core, Limits(), RULES)
    if on_erasure is not None:
        on_erasure(documents.forget)
    return graphql_endpoint(
        core,
        documents,
        context_factory,
        deadline=settings.deadline,
        body_limit=settings.body_limit,
        reader=read_of,
    )


def graphql_route(
    schema: Schema,
    context_factory: ContextFactory,
    settings: Settings,
    on_erasure: OnErasure | None = None,
) -> Route:
    """Return `/graphql`; arguments as of `graphql_app`."""
    # A class's instance is taken by Starlette as an ASGI application and is handed every method.
    app = graphql_app(schema, context_factory, settings, on_erasure)
    return Route("/graphql", app, include_in_schema=False)
