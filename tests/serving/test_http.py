"""GraphQL over HTTP: what is answered, with which status and media type, and what is never answered with 5xx."""

import json
import time

import httpx
import pytest
from gql import Client, gql
from gql.transport.exceptions import TransportQueryError
from gql.transport.httpx import HTTPXAsyncTransport

from hub.serving.requests import DEEPEST, answer_type
from tests.serving.conftest import BODY_LIMIT

JSON = "application/json"
RESPONSE = "application/graphql-response+json"
HEADERS = {"Content-Type": JSON}


class TestAnswers:
    async def test_data(self, door):
        response = await door.post("{ hello }")
        assert response.status_code == 200
        assert response.headers["content-type"] == f"{RESPONSE}; charset=utf-8"
        assert response.json() == {"data": {"hello": "hello world from nobody"}}

    async def test_variables_and_the_operation_s_name(self, door):
        query = "query A { refused } query B($name: String!) { hello(name: $name) }"
        response = await door.post(query, json={"variables": {"name": "Ada"}, "operationName": "B"})
        assert response.json() == {"data": {"hello": "hello Ada from nobody"}}

    async def test_a_query_by_get(self, door):
        parameters = {"query": "query($n: String!) { hello(name: $n) }", "variables": '{"n": "Bob"}'}
        response = await door.client.get("/graphql", params=parameters)
        assert response.status_code == 200
        assert response.json()["data"] == {"hello": "hello Bob from nobody"}

    async def test_an_error_of_a_field_stands_beside_the_data(self, door):
        response = await door.post("{ hello refused }")
        assert response.status_code == 200
        assert response.json() == {
            "data": {"hello": "hello world from nobody", "refused": None},
            "errors": [
                {
                    "message": "choose another",
                    "locations": [{"line": 1, "column": 9}],
                    "path": ["refused"],
                    "extensions": {"code": "CHOOSE", "argument": ["name", "0"]},
                }
            ],
        }

    @pytest.mark.parametrize("field", ["broken", "unfit"])
    async def test_a_mistake_of_ours_is_masked(self, door, field):
        response = await door.post(f"{{ {field} }}")
        assert response.status_code == 200
        (error,) = response.json()["errors"]
        assert error["extensions"] == {"code": "INTERNAL"}
        assert "secret" not in response.text

    async def test_a_variable_that_is_null_where_it_must_not_be_is_told(self, door):
        query = 'query($n: String = "x") { hello(name: $n) }'
        response = await door.post(query, json={"variables": {"n": None}})
        (error,) = response.json()["errors"]
        assert error["extensions"] == {"code": "BAD_REQUEST"}
        assert "'$n'" in error["message"]

    async def test_a_request_that_takes_too_long_is_given_up(self, door):
        begun = time.monotonic()
        response = await door.post("{ slow }")
        assert time.monotonic() - begun < 5
        assert response.status_code == 503
        assert response.headers["retry-after"] == "1"
        assert response.json()["errors"][0]["extensions"]["code"] == "DEADLINE_EXCEEDED"

    async def test_a_refused_key(self, door):
        response = await door.post("{ hello }", headers={"Authorization": "Bearer wrong"})
        assert response.status_code == 401
        assert "www-authenticate" in response.headers
        assert response.json()["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}

    @pytest.mark.parametrize("accept", [JSON, RESPONSE, "*/*", f"{JSON}, text/event-stream;q=0"])
    async def test_a_subscription_whose_client_takes_one_answer_is_told_how_to_ask(self, door, accept):
        response = await door.post("subscription { ticks }", headers={"Accept": accept})
        assert response.status_code == 406
        (error,) = response.json()["errors"]
        assert error["extensions"] == {"code": "STREAM_NEEDED"}
        assert "`Accept: text/event-stream`" in error["message"]
        assert "graphql-transport-ws" in error["message"]
        assert door.asked == []

    async def test_nonsense_costs_no_look_at_the_keys(self, door):
        await door.post("{ nothing }")
        await door.post("{")
        assert door.asked == []


class TestRequestErrors:
    """Of documents that cannot be executed."""

    @pytest.mark.parametrize(
        ("query", "code"),
        [
            ("{", "GRAPHQL_PARSE_FAILED"),
            ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
            ("query A { hello } query B { hello }", "BAD_REQUEST"),
            ("fragment F on Query { hello }", "GRAPHQL_VALIDATION_FAILED"),
            ("query($n: Int!) { items(first: $n) { name } }", "BAD_REQUEST"),
        ],
    )
    async def test_no_data_and_400_or_for_old_clients_200(self, door, query, code):
        strict = await door.post(query)
        assert strict.status_code == 400
        assert "data" not in strict.json()
        assert strict.json()["errors"][0]["extensions"]["code"] == code
        old = await door.post(query, headers={"Accept": JSON})
        assert old.status_code == 200
        assert old.headers["content-type"] == f"{JSON}; charset=utf-8"
        assert old.json() == strict.json()

    async def test_an_operation_that_there_is_not(self, door):
        response = await door.post("query A { hello }", json={"operationName": "B"})
        assert response.status_code == 400

    async def test_at_most_five_errors_are_told(self, door):
        query = "{" + " ".join(f"nothing{n}" for n in range(50)) + "}"
        errors = (await door.post(query)).json()["errors"]
        assert len(errors) == 6
        assert "Too many" in errors[5]["message"]


class TestMalformedRequests:
    BODIES = (
        b"5",
        b"null",
        b"true",
        b'"query"',
        b"[]",
        b'[{"query": "{ hello }"}]',
        b"{}",
        b"",
        b"{",
        b'{"query": null}',
        b'{"query": 5}',
        b'{"query": ""}',
        b'{"query": "{ hello }", "variables": []}',
        b'{"query": "{ hello }", "variables": "{}"}',
        b'{"query": "{ hello }", "operationName": 5}',
        b'{"query": "{ hello }", "extensions": 5}',
        b'{"query": "{ hello }", "variables": {"n": NaN}}',
        b'{"query": "{ hello }", "variables": {"n": Infinity}}',
        b'{"query": "{ hello }", "variables": {"n": 1e999}}',
        b'{"query": "\xff\xfe"}',
        b'{"query": "\\ud800"}',
        b"\x00\x01\x02",
        b'{"query": "{ hello }", "variables": {"n": ' + b"[" * 100 + b"]" * 100 + b"}}",
        b"[" * 15_000,
        b'{"a":' * 3_000,
    )

    @pytest.mark.parametrize("body", BODIES, ids=lambda body: repr(body[:30]))
    @pytest.mark.parametrize("accept", [JSON, RESPONSE])
    async def test_400_and_what_is_wrong(self, door, body, accept):
        response = await door.post(content=body, headers={**HEADERS, "Accept": accept})
        assert response.status_code == 400
        assert response.headers["content-type"].startswith(accept)
        (error,) = response.json()["errors"]
        assert error["extensions"] == {"code": "BAD_REQUEST"}
        assert "data" not in response.json()

    async def test_variables_may_nest_as_deep_as_stated(self, door):
        nested = "x"
        for _ in range(DEEPEST - 2):
            nested = [nested]
        assert (await door.post("{ hello }", json={"variables": {"n": nested}})).status_code == 200

    @pytest.mark.parametrize(
        ("method", "status"), [("PUT", 405), ("DELETE", 405), ("PATCH", 405), ("OPTIONS", 405), ("HEAD", 405)]
    )
    async def test_other_methods(self, door, method, status):
        response = await door.client.request(method, "/graphql")
        assert response.status_code == status
        assert response.headers["allow"] == "GET, POST"

    async def test_a_mutation_by_get_is_refused(self, door):
        response = await door.client.get("/graphql", params={"query": "mutation { change }"})
        assert response.status_code == 405
        assert (await door.post("mutation { change }")).json() == {"data": {"change": "changed"}}

    @pytest.mark.parametrize(
        "parameters", [{}, {"query": "{ hello }", "variables": "{"}, {"query": "{ hello }", "variables": "5"}]
    )
    async def test_a_get_that_is_no_request(self, door, parameters):
        assert (await door.client.get("/graphql", params=parameters)).status_code == 400

    @pytest.mark.parametrize(
        "kind", ["text/plain", "", "application/x-www-form-urlencoded", "application/json; charset=latin-1"]
    )
    async def test_other_types_of_body(self, door, kind):
        response = await door.post(content=b'{"query": "{ hello }"}', headers={"Content-Type": kind})
        assert response.status_code == 415

    async def test_a_type_with_its_charset(self, door):
        response = await door.post(
            content=b'{"query": "{ hello }"}', headers={"Content-Type": 'application/json; charset="UTF-8"'}
        )
        assert response.status_code == 200


class TestAccept:
    @pytest.mark.parametrize(
        ("accept", "answered"),
        [
            ("", JSON),
            ("*/*", JSON),
            ("application/*", JSON),
            (JSON, JSON),
            (RESPONSE, RESPONSE),
            (f"{RESPONSE}, {JSON}", RESPONSE),
            (f"{JSON}, {RESPONSE}", JSON),
            (f"{JSON};q=0.5, {RESPONSE};q=0.9", RESPONSE),
            (f"{RESPONSE}; charset=utf-8, {JSON}; charset=utf-8", RESPONSE),
            (f"text/html, {JSON};q=0.1", JSON),
            (f"{RESPONSE};q=0, {JSON}", JSON),
            (f"{RESPONSE};q=much, {JSON}", JSON),
        ],
    )
    def test_the_best_that_the_client_takes(self, accept, answered):
        assert answer_type(accept) == answered

    async def test_neither(self, door):
        response = await door.post("{ hello }", headers={"Accept": "text/html"})
        assert response.status_code == 406
        assert response.headers["content-type"].startswith(JSON)


class TestBodyLimit:
    async def test_a_stated_length_is_refused_unread(self, door):
        response = await door.post(content=b" " * (BODY_LIMIT + 1), headers=HEADERS)
        assert response.status_code == 413
        assert response.json()["errors"][0]["extensions"] == {"code": "TOO_LARGE"}

    async def test_a_body_without_a_length_is_refused_as_it_comes(self, door):
        sent = 0

        async def endless():
            nonlocal sent
            while True:
                sent += 1_000
                yield b" " * 1_000

        response = await door.post(content=endless(), headers=HEADERS)
        assert response.status_code == 413
        assert sent <= BODY_LIMIT + 2_000

    async def test_the_largest_body_is_taken(self, door):
        body = json.dumps({"query": "{ hello }"}).encode()
        response = await door.post(content=body + b" " * (BODY_LIMIT - len(body)), headers=HEADERS)
        assert response.status_code == 200

    async def test_a_length_that_is_no_number_is_counted_as_it_comes(self, door):
        response = await door.post(
            content=b'{"query": "{ hello }"}', headers={**HEADERS, "Content-Length": "many"}
        )
        assert response.status_code == 200


class TestClient:
    """The client library that our users have, over a socket."""

    async def test_gql(self, url):
        client = Client(transport=HTTPXAsyncTransport(url=url), fetch_schema_from_transport=True)
        async with client as session:
            assert await session.execute(gql("{ hello }")) == {"hello": "hello world from nobody"}
            with pytest.raises(TransportQueryError, match="choose another"):
                await session.execute(gql("{ refused }"))


async def test_a_client_that_goes_away_leaves_nothing_behind(door):
    transport = door.client._transport
    async with httpx.AsyncClient(transport=transport, base_url="http://hub", timeout=0.01) as impatient:
        response = await impatient.post("/graphql", json={"query": "{ slow }"})
    assert response.status_code == 503
