"""The properties of the events that set something: checked strictly, kept in one spelling.

Feedback Given               {kind, content_key}
Preferences Set              {preferences: {key: value or null}}
Consent Preference Updated   {purpose, channel?, state, source?, policy_version?, proof?}, or
                             with `purposes`, a list, for several that were said in one breath, or Segment's form with
                             context.consent.categoryPreferences {category: bool}
Interest Corrected           {interest_id, action, label?, subjects: [...]}
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    ValidationError,
)

from hub.errors import InvalidInput
from hub.events.names import CONSENT_UPDATED, FEEDBACK_GIVEN, INTEREST_CORRECTED, PREFERENCES_SET
from hub.profiles.model import ConsentState, FeedbackKind, Purpose

EVERY_CHANNEL = "*"


def _capitals(value: Any) -> Any:
    return value.strip().upper().replace(" ", "_").replace("-", "_") if isinstance(value, str) else value


def _every(value: Any) -> Any:
    return EVERY_CHANNEL if value is None or value == "" else _capitals(value)


Key = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.\-]{0,63}$")]
Value = Annotated[str, Field(max_length=1_000)] | StrictBool | StrictInt | StrictFloat | None
Channel = Annotated[str, BeforeValidator(_every), Field(pattern=r"^(\*|[A-Z][A-Z_]{0,31})$")]
Short = Annotated[str, Field(max_length=255)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="ignore")


class FeedbackGiven(_Strict):
    """What a customer thinks of one content."""

    kind: Annotated[FeedbackKind, BeforeValidator(_capitals)]
    content_key: Annotated[str, Field(min_length=1, max_length=255)]


class PreferencesSet(_Strict):
    """Declared preferences; null takes one back."""

    preferences: Annotated[dict[Key, Value], Field(min_length=1, max_length=100)]


class ConsentUpdated(_Strict):
    """What was said about one purpose, on one channel or on all."""

    purpose: Annotated[Purpose, BeforeValidator(_capitals)]
    channel: Channel = EVERY_CHANNEL
    state: Annotated[ConsentState, BeforeValidator(_capitals)]
    source: Short = ""
    policy_version: Short = ""
    proof: Annotated[str, Field(max_length=1_000)] = ""


class InterestCorrected(_Strict):
    """An interest disowned, or given the customer's own name."""

    interest_id: Short
    action: Annotated[Literal["REMOVE", "RENAME"], BeforeValidator(_capitals)]
    label: Annotated[str, Field(max_length=100)] | None = None
    subjects: Annotated[list[Annotated[str, Field(min_length=1, max_length=600)]], Field(max_length=400)]


_MODELS: Mapping[str, type[_Strict]] = {
    FEEDBACK_GIVEN: FeedbackGiven,
    PREFERENCES_SET: PreferencesSet,
    CONSENT_UPDATED: ConsentUpdated,
    INTEREST_CORRECTED: InterestCorrected,
}


def check(name: str, properties: dict[str, Any], context: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event's properties, for our own events checked and in one spelling.

    Raises:
        InvalidInput: with the path under `properties`.
    """
    model = _MODELS.get(name)
    if model is None:
        return properties
    if name == CONSENT_UPDATED and "purposes" in properties:
        return _of_several(properties)
    if name == CONSENT_UPDATED and "purpose" not in properties:
        return {"categories": _categories(context)}
    try:
        checked = model.model_validate(properties)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        raise InvalidInput(fault["msg"], path=("properties", *fault["loc"])) from None
    if (
        isinstance(checked, InterestCorrected)
        and checked.action == "RENAME"
        and not (checked.label or "").strip()
    ):
        raise InvalidInput("renaming an interest needs its new label", path=("properties", "label"))
    return {**properties, **checked.model_dump(mode="json")}


def _of_several(properties: dict[str, Any]) -> dict[str, Any]:
    """Return what was said of several purposes at once, as `categories` beside what holds for all of them."""
    purposes = properties["purposes"]
    if not isinstance(purposes, list) or not 0 < len(purposes) <= len(Purpose):
        raise InvalidInput(f"purposes is a list of {', '.join(Purpose)}", path=("properties", "purposes"))
    said = [
        ConsentUpdated.model_validate(check(CONSENT_UPDATED, one, {}))
        for one in ({**_without(properties, "purposes"), "purpose": purpose} for purpose in purposes)
    ]
    common = said[0].model_dump(mode="json", exclude={"purpose"})
    return {
        **_without(properties, "purposes"),
        **common,
        "categories": {one.purpose.value: one.state.value for one in said},
    }


def _without(properties: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in properties.items() if key != name}


def _categories(context: Mapping[str, Any]) -> dict[str, str]:
    """Return purpose -> state out of Segment's consent object; categories that are no purpose of ours are left out."""
    consent = context.get("consent")
    told = consent.get("categoryPreferences") if isinstance(consent, dict) else None
    if not isinstance(told, dict):
        raise InvalidInput(
            "say properties.purpose and properties.state, or context.consent.categoryPreferences",
            path=("properties", "purpose"),
        )
    state: Callable[[bool], str] = lambda yes: ConsentState.GRANTED if yes else ConsentState.DENIED  # noqa: E731
    return {
        purpose.value: str(state(yes))
        for category, yes in told.items()
        if isinstance(yes, bool) and (purpose := _purpose(category)) is not None
    }


def _purpose(category: str) -> Purpose | None:
    try:
        return Purpose(_capitals(category))
    except ValueError:
        return None
