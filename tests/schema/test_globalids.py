import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import InvalidInput
from resolvers.globalids import from_global, split_global, to_global

TEXT = st.text(min_size=1, max_size=60).filter(lambda text: text.isprintable())


@given(TEXT)
def test_a_local_id_comes_back(local):
    assert from_global("Content", to_global("Content", local)) == local


@given(st.text(max_size=80))
def test_any_text_is_an_id_of_ours_or_not(text):
    parts = split_global(text)
    assert parts is None or split_global(to_global(*parts)) == parts


def test_the_id_of_another_type_is_refused():
    with pytest.raises(InvalidInput, match="Content, not of a Customer"):
        from_global("Customer", to_global("Content", "kettle"))


def test_an_operator_may_paste_a_local_id():
    assert from_global("Served", "srv_01h") == "srv_01h"


async def test_everything_with_a_global_id_is_found_by_it(house):
    await house.person("findable")
    data = await house.data(
        """{
          customer(by: {userId: "findable"}) { id }
          contents(first: 2) { edges { node { id } } }
          answer(question: "Do you repair kettles?") { answer { id } }
          experience(for: {userId: "findable"}, channel: WEB, scenario: "home") { servedId offers { offer { id } } }
        }"""
    )
    ids = [
        data["customer"]["id"],
        data["experience"]["servedId"],
        data["answer"]["answer"]["id"],
        *(edge["node"]["id"] for edge in data["contents"]["edges"]),
        *(made["offer"]["id"] for made in data["experience"]["offers"]),
    ]
    assert len(set(ids)) == len(ids) >= 5
    for each in ids:
        found = await house.data("query($id: ID!) { node(id: $id) { id __typename } }", {"id": each})
        assert found["node"] == {"id": each, "__typename": split_global(each)[0]}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "Q29udGVudDo",
        "Q3VzdG9tZXI6bm9uZQ",
        "Q29udGVudDpub25l",
        "QW5zd2VyOm5vbmU",
        "T2ZmZXI6bm9uZQ",
        "Tm90aGluZzox",
    ],
)
async def test_what_there_is_not_is_null(house, text):
    assert await house.data("query($id: ID!) { node(id: $id) { id } }", {"id": text}) == {"node": None}
