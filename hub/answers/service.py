"""Answers: retrieve among what the brand approved, choose, or say honestly that there is none.

Nothing is generated. A question is embedded; every approved answer has a vector for its title and
for each way in which customers ask it; an answer is as near as its nearest vector.
"""

from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hub.answers.calibration import Calibration
from hub.answers.model import Alternative, AnswerResult
from hub.catalogue.model import Answer, Claim
from hub.catalogue.snapshot import CatalogueSnapshot
from hub.errors import InvalidInput, Unavailable
from hub.kit.deadline import within

LONGEST_QUESTION = 1_000  # characters; the encoder reads about the first 250 words
MOST_ALTERNATIVES = 3
LEAST_SIMILARITY = 0.3  # below this a match is chance, not an alternative


class SnapshotProvider(Protocol):
    """Whatever has the catalogue in force: the catalogue service."""

    @property
    def snapshot(self) -> CatalogueSnapshot:
        """The snapshot in force."""
        ...


class QuestionEncoder(Protocol):
    """Whatever turns a text into a unit vector: the cached encoder."""

    async def vector(self, text: str, *, keep: bool = True) -> NDArray[np.float32]:
        """Return (d,) float32; `keep=False` writes nothing to the store's cache."""
        ...


class AnswerService:
    """Finds the approved answer to a question."""

    def __init__(
        self,
        catalogue: SnapshotProvider,
        encoder: QuestionEncoder,
        *,
        calibration: Calibration | None = None,
        deadline: float = 2.0,
    ) -> None:
        self._catalogue = catalogue
        self._encoder = encoder
        self._calibration = calibration or Calibration()
        self._deadline = deadline

    async def answer(self, question: str, *, at: datetime) -> AnswerResult:
        """Return the approved answer that holds at an instant, with its confidence and alternatives.

        Raises:
            InvalidInput: if the question is empty or longer than `LONGEST_QUESTION` characters.
            Unavailable: if the encoder does not answer within the deadline.
        """
        asked = " ".join(question.split())
        if not asked:
            raise InvalidInput(
                "ask something: the question is empty", path=("question",), code="EMPTY_QUESTION"
            )
        if len(asked) > LONGEST_QUESTION:
            raise InvalidInput(
                f"the question has {len(asked)} characters; ask in at most {LONGEST_QUESTION}",
                path=("question",),
                code="QUESTION_TOO_LONG",
            )
        snapshot = self._catalogue.snapshot
        if not snapshot.answers:
            return AnswerResult(asked, 0.0, None, ())
        try:
            # A question may hold personal data: not even its vector is kept.
            vector = await within(self._deadline, self._encoder.vector(asked, keep=False))
        except TimeoutError:
            raise Unavailable("the encoder is busy; ask again in a moment") from None
        return self._choose(asked, vector, snapshot, at)

    def _choose(
        self, asked: str, vector: NDArray[np.float32], snapshot: CatalogueSnapshot, at: datetime
    ) -> AnswerResult:
        ranked = rank(vector, snapshot, at)
        if not ranked:
            return AnswerResult(asked, 0.0, None, ())
        similarities = [similarity for similarity, _ in ranked]
        runner_up = similarities[1] if len(ranked) > 1 else 0.0
        best, chosen = ranked[0]
        confidence = self._calibration.confidence(best, runner_up)
        said = confidence >= self._calibration.threshold
        others = ranked[1:] if said else ranked
        alternatives = tuple(
            Alternative(
                answer.key, answer.title, round(self._calibration.confidence(similarity, best), 4), answer
            )
            for similarity, answer in others[:MOST_ALTERNATIVES]
            if similarity >= LEAST_SIMILARITY
        )
        return AnswerResult(
            question=asked,
            confidence=round(confidence, 4),
            answer=chosen if said else None,
            alternatives=alternatives,
            claims=claims_of(chosen, snapshot) if said else (),
        )


def rank(
    vector: NDArray[np.float32], snapshot: CatalogueSnapshot, at: datetime
) -> list[tuple[float, Answer]]:
    """Return (cosine, answer) of every approved answer that holds at an instant, nearest first.

    `vector` is (d,) float32 of length 1. Equal cosines keep the order of keys.
    """
    nearest = np.full(len(snapshot.answers), -1.0, np.float32)
    np.maximum.at(nearest, snapshot.answer_rows, snapshot.answer_vectors @ vector)
    held = [
        (float(nearest[row]), answer) for row, answer in enumerate(snapshot.answers) if answer.holds_at(at)
    ]
    return sorted(held, key=lambda pair: (-pair[0], pair[1].key))


def claims_of(answer: Answer, snapshot: CatalogueSnapshot) -> tuple[Claim, ...]:
    """Return the brand's claims that an answer draws on, in the version in force."""
    facts = snapshot.facts.get(answer.brand or snapshot.house_brand)
    known = {} if facts is None else {claim.key: claim for claim in facts.claims}
    return tuple(known[key] for key in answer.claims if key in known)
