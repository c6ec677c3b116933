"""Authentication: keys, scopes and customer tokens."""

import base64
from datetime import UTC, datetime, timedelta

import pytest

from hub.auth.model import Scope
from hub.auth.repository import KeyRepository
from hub.auth.service import AuthService
from hub.auth.tokens import Signer
from hub.errors import InvalidInput, Unauthenticated
from hub.kit.clock import FixedClock
from hub.profiles.model import CustomerRef

ADA = CustomerRef("user_id", "ada")


@pytest.fixture
async def auth(store, clock):
    keys = KeyRepository(store.db)
    return AuthService(keys, Signer(await keys.secret("tokens"), clock), clock)


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


class TestKeys:
    async def test_no_key_is_refused_and_told_what_to_send(self, auth):
        with pytest.raises(Unauthenticated, match="Bearer KEY"):
            await auth.authenticate({})

    @pytest.mark.parametrize(
        "header", ["Bearer", "Bearer ", "Basic ???", "Basic Og==", "Digest x", "nonsense"]
    )
    async def test_a_header_without_a_key_is_refused(self, auth, header):
        with pytest.raises(Unauthenticated):
            await auth.authenticate({"authorization": header})

    async def test_an_unknown_key_is_refused(self, auth):
        with pytest.raises(Unauthenticated, match="unknown or was revoked"):
            await auth.authenticate(bearer("tutti_admin_guess"))

    async def test_a_key_brings_its_scope(self, auth):
        for scope in Scope:
            key = await auth.create_key(scope, f"the {scope}")
            caller = await auth.authenticate(bearer(key))
            assert (caller.scope, caller.key_name, caller.customer) == (scope, f"the {scope}", None)

    async def test_segments_clients_send_the_write_key_as_basic_user_name(self, auth):
        key = await auth.create_key(Scope.INGEST, "website")
        basic = base64.b64encode(f"{key}:".encode()).decode()
        assert (await auth.authenticate({"authorization": f"Basic {basic}"})).scope is Scope.INGEST

    async def test_a_revoked_key_is_refused(self, auth):
        key = await auth.create_key(Scope.AGENT, "desk")
        await auth.authenticate(bearer(key))
        assert await auth.revoke("desk") == 1
        with pytest.raises(Unauthenticated):
            await auth.authenticate(bearer(key))

    async def test_the_store_holds_hashes_and_no_keys(self, auth, store):
        key = await auth.create_key(Scope.ADMIN, "root")
        stored = [document async for document in store.db["api_keys"].find()]
        assert len(stored) == 1
        assert key not in repr(stored)

    async def test_only_admin_contains_other_scopes(self, auth):
        admin = await auth.authenticate(bearer(await auth.create_key(Scope.ADMIN, "a")))
        agent = await auth.authenticate(bearer(await auth.create_key(Scope.AGENT, "b")))
        assert admin.may(Scope.RENDERER)
        assert agent.may(Scope.AGENT, Scope.BROWSE)
        assert not agent.may(Scope.RENDERER)


class TestCustomerTokens:
    async def test_a_front_end_speaks_for_the_customer_its_token_names(self, auth):
        key = await auth.create_key(Scope.BROWSE, "storefront")
        caller = await auth.authenticate(bearer(key) | {"x-tutti-customer": auth.customer_token(ADA)})
        assert caller.customer == ADA

    async def test_a_token_alone_is_enough(self, auth):
        caller = await auth.authenticate(bearer(auth.customer_token(ADA)))
        assert (caller.scope, caller.customer) == (Scope.BROWSE, ADA)

    async def test_a_token_with_another_scopes_key_changes_nothing(self, auth):
        key = await auth.create_key(Scope.RENDERER, "renderer")
        caller = await auth.authenticate(bearer(key) | {"x-tutti-customer": auth.customer_token(ADA)})
        assert (caller.scope, caller.customer) == (Scope.RENDERER, None)

    async def test_a_token_ends(self, auth, clock):
        token = auth.customer_token(ADA, lifetime=timedelta(hours=1))
        clock.instant += timedelta(minutes=59)
        assert (await auth.authenticate(bearer(token))).customer == ADA
        clock.instant += timedelta(minutes=1)
        with pytest.raises(InvalidInput) as refused:
            await auth.authenticate(bearer(token))
        assert refused.value.kind == "BAD_TOKEN"

    async def test_a_token_that_was_changed_or_made_elsewhere_is_refused(self, auth, clock):
        header, payload, signature = auth.customer_token(ADA).split(".")
        elsewhere = Signer(b"another secret of thirty-two byte", clock).sign(
            "customer", {"type": "user_id", "value": "ada"}
        )
        flipped = signature[:-2] + ("AA" if signature[-2:] != "AA" else "BB")
        for bad in (f"{header}.{payload}.{flipped}", f"{header}.{payload}.", elsewhere):
            with pytest.raises((InvalidInput, Unauthenticated)):
                await auth.authenticate(bearer(bad))


class TestSigner:
    def test_a_token_for_one_purpose_opens_no_other_door(self):
        signer = Signer(b"s" * 32, FixedClock(datetime(2026, 1, 1, tzinfo=UTC)))
        token = signer.sign("unsubscribe", {"profile": "p1"})
        assert signer.verify("unsubscribe", token) == {"profile": "p1"}
        with pytest.raises(InvalidInput):
            signer.verify("customer", token)


async def test_every_process_gets_the_same_secret(store):
    first, second = KeyRepository(store.db), KeyRepository(store.db)
    assert await first.secret("tokens") == await second.secret("tokens")
    assert len(await first.secret("tokens")) == 32
