"""An answer to a question: one that the brand approved, or honestly none."""

from dataclasses import dataclass

from hub.catalogue.model import Answer, Claim


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another approved answer that the question might mean; `confidence` is in [0, 1]."""

    key: str
    title: str
    confidence: float
    answer: Answer


@dataclass(frozen=True, slots=True)
class AnswerResult:
    """What the hub would reply to `question`, as it was read (`hub.answers.reading`).

    `confidence` in [0, 1] is the calibrated chance that the best match answers the question; `answer`
    is None where that is too little to say it, and then `alternatives` are worth a person's look.
    `claims` are those that the answer draws on, in the version in force.
    """

    question: str
    confidence: float
    answer: Answer | None
    alternatives: tuple[Alternative, ...]
    claims: tuple[Claim, ...] = ()
