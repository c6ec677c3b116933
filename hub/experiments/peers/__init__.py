"""Peers, one file each; `all_peers` is the list that every run trains and scores."""

from hub.experiments.peers.base import Peer
from hub.experiments.peers.ease import Ease
from hub.experiments.peers.factors import Factors
from hub.experiments.peers.frequency import PersonalFrequency
from hub.experiments.peers.item_knn import ItemKnn
from hub.experiments.peers.popularity import Popularity
from hub.experiments.peers.tifu import TifuKnn

__all__ = ["Peer", "all_peers"]


def all_peers() -> tuple[Peer, ...]:
    """Return the peers with their parameters; where one parameter suits repeats and another new things, both."""
    return (
        Popularity(7),
        Popularity(30),
        PersonalFrequency(),
        PersonalFrequency(60.0),
        PersonalFrequency(120.0, share=0.1),
        ItemKnn(),
        Factors("ALS"),
        Factors("BPR"),
        Ease(ridge=20.0),
        Ease(ridge=100.0),
        TifuKnn(),
    )
