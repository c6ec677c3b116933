"""The catalogue's service: check what is put by the brand's rules, hold the current snapshot, page through it.

putting.py      what is put, compared with what is stored, and written
following.py    the snapshot in memory, and how it keeps up with what every process puts
paging.py       contents page by page
"""

from collections.abc import Callable, Collection, Iterable, Sequence

from hub.catalogue import brand as rules
from hub.catalogue import paging
from hub.catalogue.building import answer_texts
from hub.catalogue.following import Following
from hub.catalogue.model import Answer, BrandFacts, Content, Offer, Segment
from hub.catalogue.putting import Embedding, Progress, PutResult, Putting
from hub.catalogue.references import Prices
from hub.catalogue.repository import CatalogueRepository, Entry
from hub.catalogue.snapshot import CatalogueSnapshot
from hub.errors import InvalidInput
from hub.kit.clock import Clock
from hub.kit.money import Money
from hub.kit.pages import Page
from hub.profiles.segment_rules import check_segment
from hub.store.database import Store


class CatalogueService:
    """One process's view of the catalogue, and its way to change it."""

    def __init__(
        self, store: Store, encoder: Embedding, clock: Clock, *, moments: Collection[str] | None = None
    ) -> None:
        """Take the store, what embeds, the clock, and the keys of the moments there are (None: any)."""
        self._encoder = encoder
        self._moments = moments
        self._repository = CatalogueRepository(store.db)
        self._putting = Putting(self._repository, encoder, clock)
        self._following = Following(store, self._repository, encoder, clock)

    @property
    def snapshot(self) -> CatalogueSnapshot:
        """The catalogue as it was when last refreshed; empty before the first `refresh`."""
        return self._following.snapshot

    async def put_contents(
        self,
        contents: Sequence[Content],
        *,
        progress: Progress | None = None,
        refresh: bool = True,
        keep_faulty: bool = False,
    ) -> PutResult:
        """Add or change contents by key; their `version` is given by the store.

        Args:
            contents: what to put; of two with one key the later counts.
            progress: told (embedded, texts to embed).
            refresh: False leaves this process's snapshot for a later `refresh`, for bulk loads.
            keep_faulty: True takes text that breaks a brand rule too, for a feed that is not ours to
                correct; it is kept and never shown.

        Raises:
            InvalidInput: a brand rule is broken (`hub.catalogue.brand`); the path begins with the position in `contents`; nothing was written.
            Conflict: others kept changing the same entries.
            Unavailable: the store does not answer.
        """
        facts = await self._repository.get_all(BrandFacts)
        prices = self._prices(contents)
        for at, content in enumerate(contents):
            rules.check_content(content, facts, (at,), prices=prices, keep_faulty=keep_faulty)
        return await self._put(
            Content, contents, lambda content: (content.embedding_text,), progress=progress, refresh=refresh
        )

    def _prices(self, contents: Sequence[Content]) -> Prices:
        """Return prices as they are, or are about to be."""
        put = {content.key: content.price for content in contents}
        snapshot = self.snapshot

        def price(key: str) -> Money | None:
            if key in put:
                return put[key]
            row = snapshot.row(key)
            return None if row is None else snapshot.contents[row].price

        return price

    async def put_answers(
        self, answers: Sequence[Answer], *, progress: Progress | None = None, refresh: bool = True
    ) -> PutResult:
        """Add or change answers by key. Arguments and errors as for `put_contents`."""
        facts = await self._repository.get_all(BrandFacts)
        for at, answer in enumerate(answers):
            rules.check_answer(answer, facts, (at,), prices=self._prices(()))
        return await self._put(Answer, answers, answer_texts, progress=progress, refresh=refresh)

    async def put_brand_facts(self, facts: Sequence[BrandFacts], *, refresh: bool = True) -> PutResult:
        """Add or change brand facts by key; a claim whose text changes becomes a new version of it."""
        for at, brand in enumerate(facts):
            rules.check_brand_facts(brand, (at,))
        return await self._put(BrandFacts, facts, _nothing, refresh=refresh)

    async def put_offers(self, offers: Sequence[Offer], *, refresh: bool = True) -> PutResult:
        """Add or change offers' definitions by key.

        Raises:
            InvalidInput: title or terms break a rule of the brand, or a moment is unknown, so that the offer
                would never be made; the path begins with the position in `offers`.
        """
        facts = await self._repository.get_all(BrandFacts)
        for at, offer in enumerate(offers):
            rules.check_offer(offer, facts, (at,))
            for number, moment in enumerate(offer.moments):
                if self._moments is not None and moment not in self._moments:
                    raise InvalidInput(
                        f"offer {offer.key!r}: there is no moment {moment!r}; there are {', '.join(sorted(self._moments))}",
                        path=(at, "moments", number),
                        code="UNKNOWN_MOMENT",
                    )
        return await self._put(Offer, offers, _nothing, refresh=refresh)

    async def put_segments(self, segments: Sequence[Segment], *, refresh: bool = True) -> PutResult:
        """Add or change segments by key; every process knows them within a second.

        Raises:
            InvalidInput: a rule cannot be understood; the path begins with the position in `segments`.
            Conflict: others kept changing the same segments.
            Unavailable: the store does not answer.
        """
        for at, segment in enumerate(segments):
            check_segment(segment, (at,))
        return await self._put(Segment, segments, _nothing, refresh=refresh)

    async def remove_segment(self, key: str) -> Segment | None:
        """Take a segment away and return it, None if there is none; every process knows within a second.

        Raises:
            Conflict: others kept changing it.
            Unavailable: the store does not answer.
        """
        removed = await self._putting.remove(Segment, key)
        await self.refresh()
        return removed

    async def removed_segments(self, keys: Iterable[str]) -> frozenset[str]:
        """Return which of some segments there were once and are not any more."""
        return frozenset(await self._repository.removed(Segment, keys))

    async def _put(
        self,
        of: type[Entry],
        entries: Sequence[Entry],
        texts_of: Callable[[Entry], Sequence[str]],
        *,
        refresh: bool,
        progress: Progress | None = None,
    ) -> PutResult:
        result = await self._putting.put(of, entries, texts_of, progress=progress)
        if refresh and entries:
            await self.refresh()
        return result

    async def refresh(self) -> bool:
        """Load what changed since the last refresh; return whether the snapshot was replaced.

        Raises:
            Unavailable: the store does not answer; the old snapshot stays.
        """
        return await self._following.refresh()

    async def repair(self) -> None:
        """Announce what a process that died while it wrote left unannounced.

        Raises:
            Unavailable: the store does not answer.
        """
        await self._following.repair()

    async def watch(self) -> None:
        """Keep the snapshot fresh until cancelled."""
        await self._following.watch()

    async def page(self, first: int, after: str | None = None, search: str | None = None) -> Page[Content]:
        """Return contents in the order of their keys, or by nearness in meaning to `search`.

        Raises:
            InvalidInput: `first`, `after` or `search` is impossible, with its name as path.
        """
        if search is not None and search.strip():
            return await paging.by_meaning(self.snapshot, self._encoder, search.strip(), first, after)
        return paging.by_key(self.snapshot, first, after)


def _nothing(_entry: object) -> Sequence[str]:
    return ()
