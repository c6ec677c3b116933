"""`CustomerRef`: who is meant, by exactly one of several names."""

import strawberry

from hub.profiles import model
from resolvers import refs


@strawberry.input(description="One identifier with its type, such as loyalty_id.")
class IdentityInput:
    type: str = strawberry.field(description="The type, such as loyalty_id or device_id.")
    value: str = strawberry.field(description="The identifier.")

    def __str__(self) -> str:
        return self.value

    def ref(self, *path: str) -> model.CustomerRef:
        """Return it as the domain says it; `path` is where it stands in the arguments."""
        return refs.parse_identity(self.type, self.value, path)


@strawberry.input(name="CustomerRef", one_of=True, description="Who is meant, by exactly one of these names.")
class CustomerRefInput:
    id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET,
        description="The customer's global id; one that was merged away keeps resolving.",
    )
    user_id: str | None = strawberry.field(
        default=strawberry.UNSET, description="The id in the brand's own user database."
    )
    email: str | None = strawberry.field(default=strawberry.UNSET, description="An email address.")
    phone: str | None = strawberry.field(default=strawberry.UNSET, description="A telephone number.")
    anonymous_id: str | None = strawberry.field(
        default=strawberry.UNSET, description="The id that a front-end gave to a visitor it does not know."
    )
    identity: IdentityInput | None = strawberry.field(
        default=strawberry.UNSET, description="An identifier of any other type."
    )

    def ref(self, *path: str) -> model.CustomerRef:
        """Return it as the domain says it; `path` is where it stands in the arguments."""
        named = {
            "id": self.id,
            "user_id": self.user_id,
            "email": self.email,
            "phone": self.phone,
            "anonymous_id": self.anonymous_id,
        }
        for kind, value in named.items():
            if isinstance(value, str):
                return refs.parse(kind, value, path)
        assert isinstance(self.identity, IdentityInput)  # @oneOf: exactly one is there
        return self.identity.ref(*path, "identity")
