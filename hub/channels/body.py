"""The body of an experience: everything that left the hub, as canonical JSON, for the ledger.

The same experience gives the same bytes. Read back by `hub.ledger.codec`.
"""

from typing import Any

from hub.channels.model import EmailExperience, Experience, ServiceDeskExperience, Slot, WebExperience
from hub.decisions.model import Decision, Note, RankedItem
from hub.kit.canonical import canonical
from hub.ledger.codec import FORMAT, content_body
from hub.offers.model import Grant

MOST_RANKED = 100  # places of the ranking that are kept
MOST_REMOVED = 100  # absences that are kept with their gate and rule; all are counted


def body_of(experience: Experience) -> bytes:
    """Return the canonical JSON of an experience."""
    decision = experience.decision
    body: dict[str, Any] = {
        "format": FORMAT,
        "served_id": experience.served_id,
        "channel": experience.channel,
        "assembled_at": experience.assembled_at,
        "withheld": _note(experience.withheld),
        "degraded": _note(experience.degraded),
        **_decision_body(decision),
        **_channel_body(experience),
    }
    return canonical(body)


def _decision_body(decision: Decision) -> dict[str, Any]:
    absences: dict[str, int] = {}
    for removed in decision.removed:
        name = f"{removed.gate}/{removed.rule}"
        absences[name] = absences.get(name, 0) + 1
    return {
        "at": decision.at,
        "scenario": {
            "key": decision.scenario.key,
            "title": decision.scenario.title,
            "version": decision.scenario.version,
        },
        "moment": {
            "key": decision.moment.key,
            "title": decision.moment.title,
            "about": list(decision.moment.about),
        },
        "profile": {"id": decision.profile_id, "version": decision.profile_version},
        "configuration_version": decision.configuration_version,
        "mix": [[layer, weight] for layer, weight in decision.mix.weights.items()],
        "voice": decision.voice,
        "claims": [{"key": c.key, "text": c.text, "version": c.version} for c in decision.claims],
        "offers": [
            {
                "key": o.key,
                "title": o.title,
                "terms": o.terms,
                "version": o.version,
                "grant": _grant(decision.grant_of(o)),
            }
            for o in decision.offers
        ],
        "ranking": [[c.key, c.version] for c in decision.ranking.contents[:MOST_RANKED]],
        "ranked": len(decision.ranking),
        "removed": [[r.content.key, r.gate, r.rule] for r in decision.removed[:MOST_REMOVED]],
        "absences": absences,
        **_asked(decision),
    }


def _asked(decision: Decision) -> dict[str, Any]:
    """Return what was asked for in the call, what of it could not be had, and what the hub asks in its turn."""
    said: dict[str, Any] = {}
    if decision.scenario.guards.chosen:
        said["chosen"] = [choice.key for choice in decision.scenario.guards.chosen]
    if decision.question is not None:
        said["question"] = {
            "text": decision.question.text,
            "options": [[option.key, option.label] for option in decision.question.options],
        }
    if decision.out_of_reach:
        said["out_of_reach"] = list(decision.out_of_reach)
    return said


def _channel_body(experience: Experience) -> dict[str, Any]:
    match experience:
        case EmailExperience():
            return {
                "slots": [_slot(slot) for slot in experience.slots],
                "to": experience.to,
                "subject": experience.subject,
                "preheader": experience.preheader,
                "html": experience.html,
                "text": experience.text,
                "headers": [[header.name, header.value] for header in experience.headers],
                "template": list(experience.template) if experience.template else None,
            }
        case ServiceDeskExperience():
            return {
                "slots": [_slot(slot) for slot in experience.slots],
                "brief": experience.brief,
                "cautions": [_note(caution) for caution in experience.cautions],
                "suggestions": [
                    {
                        "title": suggestion.title,
                        "sentence": suggestion.sentence,
                        "content": suggestion.item.content.key if suggestion.item else None,
                        "offer": suggestion.offer.key if suggestion.offer else None,
                    }
                    for suggestion in experience.suggestions
                ],
            }
        case WebExperience():
            return {"slots": [_slot(slot) for slot in experience.slots]}
        case _:
            raise TypeError(f"{type(experience).__name__} has no body")


def _slot(slot: Slot) -> dict[str, Any]:
    return {"key": slot.key, "title": slot.title, "items": [_item(item) for item in slot.items]}


def _item(item: RankedItem) -> dict[str, Any]:
    return {
        "position": item.position,
        "score": float(item.score),
        "content": content_body(item.content),
        "why": {
            "sentence": item.why.sentence,
            # Layers and weights are told once, by the mix; a contribution is their product.
            "scores": item.why.parts.scores,
            "ranks_before": item.why.parts.ranks_before,
            "rank_after": item.why.parts.rank_after,
            "variety": item.why.variety,
        },
    }


def _grant(grant: Grant | None) -> dict[str, Any] | None:
    if grant is None:
        return None
    return {"id": grant.id, "code": grant.code, "expires_at": grant.expires_at}


def _note(note: Note | None) -> dict[str, str] | None:
    return None if note is None else {"code": note.code, "message": note.message}
