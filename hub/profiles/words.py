"""Likes and dislikes in the customer's own words, taken apart: "roses, not lilies" is one of each."""

import re

MOST_PHRASES = 12
_SPLIT = re.compile(r"\s*(?:[,;/\n]|\band\b|\bbut\b|\s&\s)\s*", re.IGNORECASE)
_NOT = re.compile(
    r"^(?:not|no|never|without|except|nothing with|don't like|i don't like|anything but)\s+", re.IGNORECASE
)
_LEAD = re.compile(r"^(?:i\s+)?(?:really\s+)?(?:like|love|enjoy|prefer)\s+", re.IGNORECASE)


def understand(likes: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return (liked, avoided) phrases of what a customer says they like.

    Phrases are split at commas, semicolons, slashes, "and", "but"; one that begins with "not", "no",
    "without" and the like is avoided.
    """
    liked: dict[str, None] = {}
    avoided: dict[str, None] = {}
    for part in _SPLIT.split(" ".join(likes.split())):
        phrase = part.strip(" .!")
        bare = _NOT.sub("", phrase)
        into = liked if bare == phrase else avoided
        bare = _LEAD.sub("", bare).strip()
        if bare:
            into[bare.lower()] = None
    return tuple(liked)[:MOST_PHRASES], tuple(avoided)[:MOST_PHRASES]


def phrases(likes: object, dislikes: object) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return (liked, avoided) phrases of the preferences `likes` and `dislikes`; what is no text says nothing."""
    liked, avoided = understand(likes) if isinstance(likes, str) else ((), ())
    shunned, also = understand(dislikes) if isinstance(dislikes, str) else ((), ())
    # "dislikes: not roses" avoids roses all the same: nobody lists a like among the dislikes
    avoided = tuple(dict.fromkeys([*avoided, *shunned, *also]))[:MOST_PHRASES]
    return tuple(phrase for phrase in liked if phrase not in avoided), avoided
