"""What a customer brought to service is open until it is closed, in whatever order that is heard."""

from hub.profiles.identity import parse_ref
from tests.profiles.rooms import Rooms


async def waiting(rooms: Rooms) -> list[tuple[str, bool, str]]:
    return [(ticket.id, ticket.complaint, ticket.about) for ticket in (await rooms.require()).tickets]


async def test_a_ticket_is_open_until_it_is_closed(rooms: Rooms) -> None:
    await rooms.track("Support Ticket Opened", ago=9, ticket_id="t1", subject=" Where  is my rose? ")
    await rooms.track("Support Ticket Opened", ago=8, ticket_id=2)
    assert await waiting(rooms) == [("t1", False, "Where is my rose?"), ("2", False, "")]
    await rooms.track("support ticket solved", ago=7, ticket_id="t1")
    assert await waiting(rooms) == [("2", False, "")]
    await rooms.track("Support Ticket Reopened", ago=6, ticket_id="t1", subject="Still nowhere")
    assert await waiting(rooms) == [("2", False, ""), ("t1", False, "Still nowhere")]


async def test_a_complaint_is_one_by_its_name_or_by_its_type(rooms: Rooms) -> None:
    await rooms.track("Complaint Raised", ago=9, complaint_id="c1", subject="It arrived dry")
    await rooms.track("Support Ticket Opened", ago=8, ticket_id="t1", type=" Complaint ")
    assert await waiting(rooms) == [("c1", True, "It arrived dry"), ("t1", True, "")]
    await rooms.track("Complaint Settled", ago=7, complaint_id="c1")
    await rooms.track("Support Ticket Closed", ago=7, ticket_id="t1")
    assert await waiting(rooms) == []


async def test_a_closing_that_is_heard_first_counts(rooms: Rooms) -> None:
    await rooms.track("Complaint Closed", ago=5, complaint_id="c1")
    await rooms.track("Complaint Opened", ago=9, complaint_id="c1")
    assert await waiting(rooms) == []


async def test_what_has_no_number_is_one_matter(rooms: Rooms) -> None:
    await rooms.track("Complaint Opened", ago=9)
    await rooms.track("Support Ticket Closed", ago=8, ticket_id="t1")
    assert await waiting(rooms) == [("", True, "")]
    await rooms.track("Complaint Closed", ago=7)
    assert await waiting(rooms) == []


async def test_the_timeline_says_what_it_was_about(rooms: Rooms) -> None:
    await rooms.track("Complaint Opened", ago=9, complaint_id="c1", subject="It arrived dry")
    page = await rooms.profiles.timeline(await rooms.require(), first=1)
    assert [entry.title for entry in page.nodes] == ["Complaint Opened: It arrived dry"]


async def test_a_merge_brings_complaints_along_and_a_split_gives_them_back(rooms: Rooms) -> None:
    await rooms.track("Complaint Opened", "mia", ago=9, complaint_id="c1")
    await rooms.track("Complaint Opened", "ben", ago=8, complaint_id="c2")
    mia, ben = (parse_ref("user_id", name) for name in ("mia", "ben"))
    await rooms.merges.merge(mia, [ben], by="ann", reason=None)
    assert [ticket[0] for ticket in await waiting(rooms)] == ["c1", "c2"]
    await rooms.merges.split(mia, [ben], by="ann", reason=None)
    assert [ticket[0] for ticket in await waiting(rooms)] == ["c1"]


async def test_a_review_is_open_to_both_until_they_are_one_in_whatever_way(rooms: Rooms) -> None:
    for name in ("mia", "ben"):
        await rooms.identify(name, email="family@example.com")
    mia, ben = (parse_ref("user_id", name) for name in ("mia", "ben"))
    for who in (mia, ben):
        [review] = await rooms.profiles.open_reviews(await rooms.profiles.require(who), most=5)
        assert review.identity == "email:family@example.com"
    await rooms.merges.merge(mia, [ben], by="ann", reason=None)
    assert await rooms.profiles.open_reviews(await rooms.profiles.require(mia), most=5) == ()
