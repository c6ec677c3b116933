"""The reply to a question."""

import strawberry

from schema.catalogue import Answer


@strawberry.type(description="Another approved answer that the question might mean.")
class AlternativeAnswer:
    key: str = strawberry.field(description="The answer's key.")
    title: str = strawberry.field(description="What it is about.")
    confidence: float = strawberry.field(description="The chance that it answers the question, 0 to 1.")
    answer: Answer = strawberry.field(description="The answer itself.")


@strawberry.type(description="What the hub would reply to a question: an approved answer, or honestly none.")
class AnswerResult:
    question: str = strawberry.field(description="The question, as it was understood to be spelled.")
    confidence: float = strawberry.field(
        description="The calibrated chance that the best match answers the question, 0 to 1."
    )
    answer: Answer | None = strawberry.field(
        description="The approved answer; null: there is none of which the hub is sure enough to say it."
    )
    alternatives: list[AlternativeAnswer] = strawberry.field(
        description="What else might be meant, best first; worth a person's look."
    )
