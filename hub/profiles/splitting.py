"""Which facets leave in a split: a merge is taken back, whole, for each identity that is named. Pure.

Facets that came into a profile by the same link are a group: what one merge brought. For each named facet

    the largest group of which every facet is named leaves together,
    else the smallest group that it is in,
    and where it is one that the profile began with, every group leaves that holds no named facet,
    but for those that an event of a named one linked: a user's own visits stay with the user.

What an event linked later, to a facet that leaves, leaves with it. See docs/decisions/0043.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from hub.profiles.merge_model import Part
from hub.profiles.model import Link, LinkedFacet

Group = tuple[str, str]  # what linked it, and the profile (or, without one, the facet) that it brought


def parts_of(
    facets: Sequence[LinkedFacet], named: Collection[str], facet_of_event: Mapping[str, str]
) -> list[Part]:
    """Return what leaves; nothing where nothing was ever merged.

    Args:
        facets: all of one profile.
        named: ids of those whose identities are to leave.
        facet_of_event: messageId -> facet, of the events that linked any of them.
    """
    groups: dict[Group, dict[str, int]] = defaultdict(dict)
    for facet in facets:
        for place, link in enumerate(facet.links):
            groups[_group(facet, link)].setdefault(facet.id, place)
    chosen = _chosen(facets, frozenset(named), groups, facet_of_event)
    leaving: dict[str, tuple[Group, int]] = {}
    for group in sorted(chosen, key=lambda one: (-len(groups[one]), one)):  # the smallest has the last word
        leaving |= {facet_id: (group, place) for facet_id, place in groups[group].items()}
    _take_along(facets, leaving, facet_of_event)
    kept: dict[Group, dict[str, int]] = defaultdict(dict)
    for facet_id, (group, place) in leaving.items():
        kept[group][facet_id] = place
    came_from = {_group(facet, link): link.came_from for facet in facets for link in facet.links}
    return [Part(came_from[group], kept[group]) for group in sorted(kept)]


def _group(facet: LinkedFacet, link: Link) -> Group:
    return (link.by, link.came_from or facet.id)


def _chosen(
    facets: Sequence[LinkedFacet],
    named: frozenset[str],
    groups: Mapping[Group, Mapping[str, int]],
    facet_of_event: Mapping[str, str],
) -> set[Group]:
    chosen: set[Group] = set()
    for facet in facets:
        if facet.id not in named:
            continue
        if not facet.links:
            chosen |= {
                group
                for other in facets
                for group in [_group(other, link) for link in other.links][-1:]
                if not groups[group].keys() & named and facet_of_event.get(group[0]) not in named
            }
            continue
        own = [_group(facet, link) for link in facet.links]
        whole = [group for group in own if groups[group].keys() <= named]
        chosen.add(whole[-1] if whole else own[0])
    return chosen


def _take_along(
    facets: Sequence[LinkedFacet], leaving: dict[str, tuple[Group, int]], facet_of_event: Mapping[str, str]
) -> None:
    """Add what an event of a leaving facet linked after that facet had come."""
    found = True
    while found:
        found = False
        for facet in facets:
            if facet.id in leaving:
                continue
            for place, link in reversed(list(enumerate(facet.links))):
                linker = facet_of_event.get(link.by)
                if linker in leaving:
                    leaving[facet.id] = (leaving[linker][0], place + 1)
                    found = True
                    break
