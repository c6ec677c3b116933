"""The printed schema is the contract: current, described, and holding what our users send."""

import pytest
import typer
from graphql import (
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    build_schema,
    is_specified_scalar_type,
    parse,
    validate,
)

from hub.cli.schema import schema_command
from hub.web.graphql import core_schema
from schema.schema import PRINTED, build, printed
from tests.schema.conftest import CONTRACT

SCHEMA = build_schema(PRINTED.read_text())
TYPES = [
    t for name, t in SCHEMA.type_map.items() if not name.startswith("__") and not is_specified_scalar_type(t)
]
MUTATIONS = SCHEMA.mutation_type.fields


def test_what_is_checked_in_is_what_is_built():
    assert PRINTED.read_text() == printed()


def test_the_check_fails_on_a_schema_that_is_not_current(monkeypatch, tmp_path, capsys):
    stale = tmp_path / "schema.graphql"
    stale.write_text(printed().replace("type Query", "type Quarry"))
    monkeypatch.setattr("schema.schema.PRINTED", stale)
    with pytest.raises(typer.Exit) as ended:
        schema_command(check=True)
    assert ended.value.exit_code == 1
    assert "+type Query" in capsys.readouterr().out
    schema_command(check=False)
    assert stale.read_text() == printed()
    schema_command(check=True)


@pytest.mark.parametrize("file", sorted(path.name for path in CONTRACT.glob("*.graphql")))
def test_every_document_of_our_users_validates(file):
    assert validate(SCHEMA, parse((CONTRACT / file).read_text())) == []


def test_there_are_documents_to_validate():
    assert len(list(CONTRACT.glob("*.graphql"))) == 6


def test_everything_is_described():
    silent = []
    for kind in TYPES:
        silent += [kind.name] * (not kind.description)
        for name, field in getattr(kind, "fields", {}).items():
            silent += [f"{kind.name}.{name}"] * (not field.description)
            for argument, definition in getattr(field, "args", {}).items():
                silent += [f"{kind.name}.{name}({argument}:)"] * (not definition.description)
        for name, value in getattr(kind, "values", {}).items():
            silent += [f"{kind.name}.{name}"] * (not value.description)
    assert silent == []


def test_nullable_fields_say_what_null_means():
    unsaid = []
    for kind in TYPES:
        if not isinstance(kind, (GraphQLObjectType, GraphQLInterfaceType, GraphQLInputObjectType)):
            continue
        if kind.name == "CustomerRef":  # exactly one is there: null has no meaning in it
            continue
        for name, field in kind.fields.items():
            told = any(word in field.description.lower() for word in ("null", "leave it out"))
            unsaid += [f"{kind.name}.{name}"] * (not isinstance(field.type, GraphQLNonNull) and not told)
    assert unsaid == []


def test_enums_are_in_capitals():
    names = [value for kind in TYPES for value in getattr(kind, "values", {})]
    assert names
    assert [name for name in names if name != name.upper()] == []


@pytest.mark.parametrize("name", sorted(MUTATIONS))
def test_a_mutation_takes_one_input_and_answers_with_typed_errors(name):
    mutation = MUTATIONS[name]
    assert list(mutation.args) == ["input"]
    payload = mutation.type.of_type
    assert str(payload.fields["errors"].type) == "[UserError!]!"
    assert str(mutation.args["input"].type) == f"{name[0].upper()}{name[1:]}Input!"
    assert payload.name == f"{name[0].upper()}{name[1:]}Payload"


def test_every_error_type_has_code_message_and_path():
    kinds = SCHEMA.get_possible_types(SCHEMA.type_map["UserError"])
    assert {kind.name for kind in kinds} == {
        "InvalidInputError",
        "NotFoundError",
        "ForbiddenError",
        "ConflictError",
        "NotAvailableError",
        "UnavailableError",
    }
    for kind in kinds:
        assert {name: str(field.type) for name, field in kind.fields.items()} == {
            "code": "String!",
            "message": "String!",
            "path": "[String!]!",
        }


def test_what_is_not_available_says_so():
    assert {name for name, field in MUTATIONS.items() if "NOT_AVAILABLE" in field.description} == set()
    assert "NOT_AVAILABLE" not in SCHEMA.subscription_type.fields["customerChanged"].description


def test_a_customer_is_named_by_exactly_one_name():
    ref = SCHEMA.type_map["CustomerRef"]
    assert ref.is_one_of
    assert set(ref.fields) == {"id", "userId", "email", "phone", "anonymousId", "identity"}


def test_the_schema_holds_together():
    from graphql import validate_schema

    assert validate_schema(core_schema(build())) == []
