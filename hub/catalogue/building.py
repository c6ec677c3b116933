"""Building a `CatalogueSnapshot`: a pure function of entries, vectors and popularity."""

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from embeddings.index import VectorIndex
from hub.catalogue.audience import NOBODY, Audience
from hub.catalogue.brand import NO_FACTS, answer_fault_of, fault_of, house_of, offer_fault_of, speaker_of
from hub.catalogue.carrying import Carried, column_of
from hub.catalogue.intervals import Intervals
from hub.catalogue.model import Answer, Availability, BrandFacts, Content, Offer, Segment
from hub.catalogue.neighbours import Neighbours
from hub.catalogue.references import Unresolved, prices_of, resolved_answer, resolved_content
from hub.catalogue.snapshot import CatalogueSnapshot
from hub.catalogue.tendencies import Tendencies

CAN_BE_HAD = frozenset({Availability.IN_STOCK, Availability.LOW_STOCK, Availability.PREORDER})
T = TypeVar("T")
S = TypeVar("S", Content, Answer)


def answer_texts(answer: Answer) -> tuple[str, ...]:
    """Return what an answer is found by: its title and every way in which customers ask for it."""
    return (answer.title, *answer.questions)


def _codes(
    contents: Sequence[Content],
    name: Callable[[Content], str],
    carried: Carried | None,
    former: tuple[str, str],
) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """Return the distinct names, sorted, and each content's position among them.

    Where the names are still those that the snapshot before has, under the attributes `former`, codes are carried.
    """
    if carried is not None:
        distinct: tuple[str, ...] = getattr(carried.before, former[0])
        place = {each: at for at, each in enumerate(distinct)}
        made = [place.get(name(contents[row]), -1) for row in carried.fresh.tolist()]
        if -1 not in made:
            codes = carried.column(getattr(carried.before, former[1]), made)
            if (np.bincount(codes, minlength=len(distinct)) > 0).all():
                return distinct, codes
    names = [name(content) for content in contents]
    distinct = tuple(sorted(set(names)))
    position = {each: i for i, each in enumerate(distinct)}
    return distinct, np.fromiter((position[each] for each in names), np.int32, len(names))


def _said(entry: S, brands: Mapping[str, BrandFacts], resolve: Callable[[S, BrandFacts], S]) -> S:
    """Return an entry in the words it is shown with; one that refers to nothing stays, and breaks a rule."""
    try:
        return resolve(entry, speaker_of(entry.brand, brands))
    except Unresolved:
        return entry


def version_of(
    contents: Sequence[Content],
    answers: Sequence[Answer],
    facts: Mapping[str, BrandFacts],
    offers: Sequence[Offer],
    *,
    encoder_id: str,
    popularity: str,
    segments: Sequence[Segment] = (),
    audience: str = "",
    neighbours: str = "",
    intervals: str = "",
    tendencies: str = "",
) -> str:
    """Return the name of exactly this catalogue: the same entries at the same versions, the same name."""
    learned = f"{popularity}\x1f{audience}\x1f{neighbours}\x1f{intervals}\x1f{tendencies}"
    hashing = hashlib.sha256(f"{encoder_id}\x1f{learned}".encode())
    sorts: tuple[tuple[str, Iterable[Content | Answer | BrandFacts | Offer | Segment]], ...] = (
        ("contents", contents),
        ("answers", answers),
        ("facts", facts.values()),
        ("offers", offers),
        ("segments", segments),
    )
    for sort, entries in sorts:
        lines = sorted(f"{entry.key}\x1f{entry.version}" for entry in entries)
        hashing.update(f"\x1e{sort}\x1e".encode())
        hashing.update("\x1e".join(lines).encode())
    return f"cat_{hashing.hexdigest()[:16]}"


def build_snapshot(
    contents: Iterable[Content],
    *,
    vectors: Mapping[str, NDArray[np.float32]],
    encoder_id: str,
    dimensions: int,
    answers: Iterable[Answer] = (),
    offers: Iterable[Offer] = (),
    facts: Iterable[BrandFacts] = (),
    popularity: Mapping[str, float] | None = None,
    popularity_version: str = "",
    settled: Mapping[str, float] | None = None,
    segments: Iterable[Segment] = (),
    audience: Audience = NOBODY,
    neighbours: Neighbours | None = None,
    intervals: Intervals | None = None,
    tendencies: Tendencies | None = None,
    before: CatalogueSnapshot | None = None,
    changed: Collection[str] = (),
    texts: Mapping[str, str] | None = None,
) -> CatalogueSnapshot:
    """Build the snapshot; contents, answers and offers are put in the order of their keys.

    Args:
        contents: what can be shown.
        vectors: embedding text -> (d,) float32 of length 1, all of the encoder `encoder_id`; a content
            or question whose text is missing gets a row of zeros, which nothing is near to.
        encoder_id: whose vectors these are.
        dimensions: d, needed when there is nothing to read it from.
        answers: approved replies.
        offers: incentives' definitions.
        facts: the brands' facts.
        popularity: content key -> [0, 1]; 0 where missing.
        popularity_version: a name of these popularities, part of the snapshot's version.
        settled: the same as they were when the week began; None or nothing: as they are now.
        segments: groups of customers.
        audience: what is known of them as groups.
        neighbours: which contents go with which, by key.
        intervals: after how long things are bought again; fills in the needs that contents leave open.
        tendencies: what newcomers choose and what is bought again, by key.
        before: the snapshot that this one follows: what did not change in it is taken over, the vectors too.
        changed: keys of contents that `before` has otherwise than they are now; what it has not is found out.
        texts: content key -> what its vector is of, where that is known.
    """
    rows = tuple(sorted(contents, key=lambda content: content.key))
    sorted_answers = tuple(sorted(answers, key=lambda answer: answer.key))
    sorted_offers = tuple(sorted(offers, key=lambda offer: offer.key))
    sorted_segments = tuple(sorted(segments, key=lambda segment: segment.key))
    brands = {brand.key: brand for brand in sorted(facts, key=lambda brand: brand.key)}
    house = house_of(brands)
    spoken_facts = brands or {NO_FACTS.key: NO_FACTS}
    nothing = np.zeros(dimensions, np.float32)

    def matrix(texts: Sequence[str]) -> NDArray[np.float32]:
        stacked = np.zeros((len(texts), dimensions), np.float32)
        for i, text in enumerate(texts):
            stacked[i] = vectors.get(text, nothing)
        return stacked

    found_by = [(row, text) for row, answer in enumerate(sorted_answers) for text in answer_texts(answer)]
    spoken = texts or {}
    carried = (
        Carried.of(before, rows, changed) if before is not None and before.encoder_id == encoder_id else None
    )
    fresh = rows if carried is None else [rows[row] for row in carried.fresh.tolist()]
    content_vectors = matrix([spoken.get(content.key) or content.embedding_text for content in fresh])
    if carried is not None:
        content_vectors = carried.column(carried.before.vectors, content_vectors)
    kinds, kind_codes = _codes(rows, lambda content: content.kind.value, carried, ("kinds", "kind_codes"))
    brand_names, brand_codes = _codes(
        rows,
        lambda content: content.brand or house,
        carried if carried is not None and carried.before.house_brand == house else None,
        ("brands", "brand_codes"),
    )
    categories, category_codes = _codes(
        rows, lambda content: content.category, carried, ("categories", "category_codes")
    )
    scores = popularity or {}
    at_first = settled or scores
    prices = prices_of({content.key: content for content in rows})
    by_key = {content.key: row for row, content in enumerate(rows)}
    learned = neighbours or Neighbours()
    rhythms = intervals or Intervals()
    leanings = tendencies or Tendencies()
    referring = column_of(rows, carried, "referring", np.bool_, _refers)
    kept = _kept(carried, referring, spoken_facts, rhythms)
    looked_at = np.flatnonzero(kept < 0).tolist()
    faults = _faults_kept(kept, before)
    faults |= {row: fault for row in looked_at if (fault := fault_of(rows[row], brands, prices)) is not None}
    answer_faults = {
        row: fault
        for row, answer in enumerate(sorted_answers)
        if (fault := answer_fault_of(answer, brands, prices)) is not None
    }
    shown = list(rows)
    if carried is not None:
        former = carried.before.contents
        shown = [
            former[row] if row >= 0 else content for content, row in zip(rows, kept.tolist(), strict=True)
        ]
    for row in looked_at:
        shown[row] = rhythms.applied(_said(rows[row], brands, lambda c, b: resolved_content(c, b, prices)))
    replies = tuple(
        _said(answer, brands, lambda a, b: resolved_answer(a, b, prices)) for answer in sorted_answers
    )
    return CatalogueSnapshot(
        version=version_of(
            rows,
            sorted_answers,
            brands,
            sorted_offers,
            encoder_id=encoder_id,
            popularity=popularity_version,
            segments=sorted_segments,
            audience=audience.version,
            neighbours=learned.version,
            intervals=rhythms.version,
            tendencies=leanings.version,
        ),
        encoder_id=encoder_id,
        contents=tuple(shown),
        rows=by_key,
        vectors=content_vectors,
        index=_index(content_vectors, carried),
        popularity=np.fromiter((scores.get(content.key, 0.0) for content in rows), np.float32, len(rows)),
        settled=np.fromiter((at_first.get(content.key, 0.0) for content in rows), np.float32, len(rows)),
        published=column_of(rows, carried, "published", np.float64, _published),
        kinds=kinds,
        kind_codes=kind_codes,
        brands=brand_names,
        brand_codes=brand_codes,
        categories=categories,
        category_codes=category_codes,
        available=column_of(rows, carried, "available", np.bool_, lambda c: c.availability in CAN_BE_HAD),
        brand_faults=faults,
        answers=replies,
        answer_faults=answer_faults,
        answer_vectors=matrix([text for _, text in found_by]),
        answer_rows=np.fromiter((row for row, _ in found_by), np.int32, len(found_by)),
        # One that has come to break a rule of its brand is made to nobody any more.
        offers=tuple(offer for offer in sorted_offers if offer_fault_of(offer, brands) is None),
        facts=spoken_facts,
        house_brand=house,
        segments=sorted_segments,
        audience=audience,
        intervals_version=rhythms.version,
        referring=referring,
        neighbours=learned.placed(by_key, len(rows)) if len(learned) else learned,
        tendencies=leanings.placed(by_key, len(rows)) if len(leanings) else leanings,
        carried=carried,
    )


def _published(content: Content) -> float:
    return content.published_at.timestamp() if content.published_at else np.nan


def _kept(
    carried: Carried | None, referring: NDArray[np.bool_], facts: Mapping[str, BrandFacts], rhythms: Intervals
) -> NDArray[np.intp]:
    """Return (n,) the former row of each content that is shown, and judged by the brand's rules, as it was; else -1.

    That is so where neither the brands' facts nor what was learned of needs has moved, nor the content itself; one
    whose words refer to something is looked at again, since prices may move.
    """
    if (
        carried is None
        or carried.before.facts != facts
        or carried.before.intervals_version != rhythms.version
    ):
        return np.full(len(referring), -1, np.intp)
    return np.where(referring, -1, carried.came_from)


def _refers(content: Content) -> bool:
    return any("{{" in text for text in (content.title, content.summary, content.text, *content.tags))


def _faults_kept(kept: NDArray[np.intp], before: CatalogueSnapshot | None) -> dict[int, str]:
    """Return the faults of what is shown as it was, by the rows of now."""
    if before is None or not before.brand_faults:
        return {}
    now = np.full(len(before), -1, np.intp)
    now[kept[kept >= 0]] = np.flatnonzero(kept >= 0)
    return {int(now[row]): fault for row, fault in before.brand_faults.items() if now[row] >= 0}


def _index(vectors: NDArray[np.float32], carried: Carried | None) -> VectorIndex:
    if carried is None or not len(carried.before):
        return VectorIndex.build(vectors)
    return VectorIndex.build(vectors, before=carried.before.index, came_from=carried.came_from)
