from dataclasses import replace
from datetime import timedelta

import pytest

from hub.catalogue.model import ContentKind, NeedPattern
from hub.channels.base import present
from hub.decisions.model import Channel, Note
from hub.kit.canonical import canonical
from hub.layers.base import Moment
from hub.ledger.model import Served
from hub.profiles.merge_model import Proof, Review, ReviewKind, ReviewState
from hub.profiles.model import (
    Consent,
    ConsentState,
    FeedbackKind,
    Identity,
    Interest,
    InterestKind,
    Purpose,
    SignalKind,
    Stamp,
    Ticket,
)
from hub.profiles.needs import NeedState
from tests.builders import NOW, make_ownership, make_signal, make_view, text_vector
from tests.channels.house import make_context, make_customer, make_decision


def desk(decision=None, **context):
    return present(decision or make_decision(), Channel.SERVICE_DESK, make_context(**context))


def codes(experience):
    return [caution.code for caution in experience.cautions]


def said(experience, code):
    return next(caution.message for caution in experience.cautions if caution.code == code)


def mail_consent(state):
    return (Consent(Purpose.EMAIL_MARKETING, "*", state, NOW, "form"),)


class TestBrief:
    def test_it_tells_who_what_when_and_what_they_care_about(self):
        customer = make_customer(
            owned={"can": make_ownership(days_ago=5), "honey": make_ownership(days_ago=40)},
            recent=(make_signal(SignalKind.READ, "pruning"), make_signal(SignalKind.PURCHASED, "can")),
            cart=("blanket",),
        )
        assert desk(profile=customer).brief == (
            "Rosa, with us since November 2025. Has bought 2 things from us, last on Wednesday: Copper watering can. "
            "Yesterday read Pruning roses. Their choices speak of climbing roses. In the cart: Wool blanket."
        )

    @pytest.mark.parametrize("kind", SignalKind)
    def test_whatever_they_did_last_can_be_told(self, kind):
        about = None if kind in {SignalKind.CONTACTED, SignalKind.SEARCHED} else "can"
        brief = desk(profile=make_customer(recent=(make_signal(kind, about),))).brief
        told = {SignalKind.CONTACTED: "Yesterday contacted our service.", SignalKind.PURCHASED: ""}
        assert told.get(kind, "Yesterday ") in brief

    def test_a_stranger_is_said_to_be_one(self):
        experience = desk(
            make_decision(view=make_view(profile_id=None, personal=False)), profile=None, personal=False
        )
        assert experience.brief.startswith("We have not met this customer.")
        assert codes(experience) == ["NOT_RECOGNISED"]

    def test_things_that_came_back_are_not_counted_as_bought(self):
        customer = make_customer(owned={"can": make_ownership(count=0)})
        assert "Has bought nothing from us so far." in desk(profile=customer).brief

    def test_it_tells_what_they_were_last_shown_elsewhere(self):
        item = {"position": 1, "score": 1.0, "why": {"sentence": ""}}
        item["content"] = {"key": "blanket", "title": "Wool blanket"}
        body = {"slots": [{"key": "for_you", "items": [item]}]}
        row = {
            "at": NOW - timedelta(days=1),
            "profile_id": "prf_1",
            "scenario_key": "newsletter",
            "scenario_version": 1,
            "configuration_version": "c",
            "profile_version": 1,
            "body": canonical(body),
            "expires_at": NOW,
        }
        seen = (Served(id="srv_2", channel="SERVICE_DESK", **row), Served(id="srv_1", channel="EMAIL", **row))
        assert "Last shown by email yesterday, first of all Wool blanket." in desk(seen=seen).brief

    def test_interests_are_not_told_after_a_refusal(self):
        experience = desk(personal=False)
        assert "climbing roses" not in experience.brief
        assert "NO_PERSONALIZATION" in codes(experience)


class TestCautions:
    def test_an_agent_is_told_whether_email_may_be_offered(self):
        assert "MARKETING_EMAIL_UNKNOWN" in codes(desk())
        assert "NO_MARKETING_EMAIL" in codes(
            desk(profile=make_customer(consents=mail_consent(ConsentState.DENIED)))
        )
        granted = desk(profile=make_customer(consents=mail_consent(ConsentState.GRANTED)))
        assert not {"NO_MARKETING_EMAIL", "MARKETING_EMAIL_UNKNOWN"} & set(codes(granted))

    def test_what_was_withdrawn_is_told_with_when_and_where(self):
        withdrawn = tuple(
            Consent(purpose, "*", ConsentState.DENIED, NOW - timedelta(days=1), "one_click_unsubscribe")
            for purpose in Purpose
        )
        experience = desk(profile=make_customer(consents=withdrawn), personal=False)
        for code in ("NO_PERSONALIZATION", "NO_MARKETING_EMAIL", "NO_ANALYTICS"):
            assert "yesterday (one click unsubscribe)" in said(experience, code)

    def test_what_holds_for_email_is_what_was_said_of_email(self):
        said_twice = (
            Consent(Purpose.EMAIL_MARKETING, "*", ConsentState.DENIED, NOW, "form"),
            Consent(Purpose.EMAIL_MARKETING, "EMAIL", ConsentState.GRANTED, NOW, "form"),
        )
        assert "NO_MARKETING_EMAIL" not in codes(desk(profile=make_customer(consents=said_twice)))

    def test_nobody_is_said_to_have_refused_who_said_nothing(self):
        never = (Consent(Purpose.PERSONALIZATION, "*", ConsentState.UNKNOWN, None, ""),)
        experience = desk(profile=make_customer(consents=never), personal=False)
        assert said(experience, "NO_PERSONALIZATION").startswith("They never said yes to personalization")
        granted = (Consent(Purpose.PERSONALIZATION, "*", ConsentState.GRANTED, NOW, "form"),)
        experience = desk(profile=make_customer(consents=granted), personal=False)
        assert "Global Privacy Control" in said(experience, "NO_PERSONALIZATION")

    def test_an_open_complaint_is_told_before_other_tickets(self):
        tickets = (
            Ticket("t1", Stamp(NOW - timedelta(days=9), "m1"), True, True, "It arrived dry"),
            Ticket("", Stamp(NOW - timedelta(days=1), "m2"), True, False, ""),
        )
        experience = desk(profile=make_customer(tickets=tickets))
        assert codes(experience)[:2] == ["OPEN_COMPLAINT", "OPEN_TICKET"]
        assert said(experience, "OPEN_COMPLAINT") == (
            "Complained on 21 February about “It arrived dry” (ticket t1), and it is not settled:"
            " speak of that first, and sell nothing."
        )
        assert said(experience, "OPEN_TICKET") == (
            "Asked our service yesterday, and waits for the answer: say how it stands."
        )

    def test_a_question_that_nobody_closed_is_told_of_for_a_month_and_a_complaint_for_good(self):
        long_ago = NOW - timedelta(days=31)
        tickets = tuple(
            Ticket(str(complaint), Stamp(long_ago, "m"), True, complaint) for complaint in (False, True)
        )
        found = codes(desk(profile=make_customer(tickets=tickets)))
        assert "OPEN_COMPLAINT" in found
        assert "OPEN_TICKET" not in found

    def test_who_may_be_two_is_told_with_the_evidence(self):
        review = Review(
            id="rev_1",
            kind=ReviewKind.SHARED_ADDRESS,
            state=ReviewState.OPEN,
            facets=("fct_1", "fct_2"),
            identity="email:r@customers.example",
            evidence=(Proof("two users claim one address: email r@customers.example", NOW, "m1"),),
            opened_at=NOW,
        )
        one = said(desk(reviews=(review,)), "MERGE_REVIEW")
        assert "(two users claim one address: email r@customers.example)" in one
        assert "and 2 more reviews)" in said(desk(reviews=(review,) * 3), "MERGE_REVIEW")
        assert "MERGE_REVIEW" not in codes(desk())

    def test_who_is_not_proved_is_to_be_checked(self):
        device = (Identity("anonymous_id", "a1", verified=False, first_seen_at=NOW),)
        assert "ANONYMOUS" in codes(desk(profile=make_customer(identities=device)))
        claimed = (Identity("email", "r@customers.example", verified=False, first_seen_at=NOW),)
        assert "Their email was never verified" in said(
            desk(profile=make_customer(identities=claimed)), "NOT_VERIFIED"
        )
        assert "NOT_VERIFIED" not in codes(desk())

    def test_a_recent_return_is_remembered_and_an_old_one_forgotten(self):
        recent = make_signal(SignalKind.REFUNDED, "honey", ago=timedelta(days=4))
        old = make_signal(SignalKind.REFUNDED, "honey", ago=timedelta(days=31))
        assert said(desk(profile=make_customer(recent=(recent,))), "RECENT_RETURN").startswith(
            "Returned Heather honey on Thursday"
        )
        assert "RECENT_RETURN" not in codes(desk(profile=make_customer(recent=(old,))))

    def test_wishes_are_minded(self):
        lilies = Interest("i", InterestKind.AVOIDED, "lilies", 0.5, text_vector("lilies"))
        customer = make_customer(
            feedback={"honey": FeedbackKind.HIDE, "can": FeedbackKind.SAVE}, interests=(lilies,)
        )
        experience = desk(profile=customer)
        assert said(experience, "HIDDEN") == "Asked not to see Heather honey again: do not bring it up."
        assert said(experience, "AVOIDS") == "Would rather not have lilies."

    def test_met_needs_are_told_the_lasting_ones_first(self):
        until = NOW.replace(year=2033)
        needs = (
            NeedState("garden/lawn-mowers", NeedPattern.DURABLE, until),
            NeedState("kitchen/pantry", NeedPattern.REPLENISHABLE, until),
            NeedState("home/wedding-rings", NeedPattern.ONCE, None),
            NeedState("home/kettles", NeedPattern.DURABLE, NOW - timedelta(days=1)),
        )
        experience = desk(needs=needs)
        assert [c.message for c in experience.cautions if c.code == "NEED_MET"] == [
            "Has what they need of wedding rings: suggest no other.",
            "Has what they need of lawn mowers: suggest no other before March 2033.",
        ]

    def test_a_degraded_screen_says_that_something_may_be_missing(self):
        decision = replace(make_decision(), degraded=Note("STORE_UNAVAILABLE", "The store is slow."))
        assert codes(desk(decision, profile=None)) == ["DEGRADED"]


class TestSuggestions:
    def test_while_a_complaint_is_open_it_comes_first_and_no_goods_are_suggested(self):
        ticket = Ticket("t1", Stamp(NOW, "m1"), True, True, "It arrived dry")
        suggestions = desk(profile=make_customer(tickets=(ticket,))).suggestions
        assert suggestions[0].title == "Settle their complaint"
        assert {s.item.content.kind for s in suggestions if s.item} <= {
            ContentKind.ARTICLE,
            ContentKind.GUIDE,
        }

    def test_items_come_from_the_ranking_with_their_reason_and_offers_follow(self):
        decision = make_decision()
        experience = desk(decision)
        items = [s.item for s in experience.suggestions if s.item]
        assert [i.position for i in items] == sorted(i.position for i in items)
        assert all(decision.ranking.item(i.position - 1) is i for i in items)
        assert experience.suggestions[0].title == f"Suggest {items[0].content.title}"
        assert experience.suggestions[0].sentence == items[0].why.sentence
        assert experience.suggestions[-1].offer.key == "tenth"

    def test_the_moment_comes_first(self):
        decision = replace(make_decision(), moment=Moment("cart_left", "", NOW, ("blanket", "can")))
        first = desk(decision).suggestions[0]
        assert first.title == "Ask what held them back"
        assert first.sentence == "Wool blanket and Copper watering can are still in the cart."

    def test_what_should_have_run_out_is_suggested_once(self):
        decision = replace(make_decision(), moment=Moment("replenishment_due", "", NOW, ("honey",)))
        found = [s.item.content.key for s in desk(decision).suggestions if s.item]
        assert found[0] == "honey"
        assert len(found) == len(set(found))
