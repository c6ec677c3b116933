"""Playing layers that may come from anybody: one that fails costs its own voice, never the page.

    raises, answers NaN, a wrong shape   the decision is made without it, and says so
    takes too long                       the same; it is left alone until it has finished, and rests a while

    takes too long over its reasons     the reason of another layer is told; it rests as well

A layer from an entry point is played in a thread of its own, for which a decision waits `LIMIT` seconds
and no longer; once it has spent as long again on reasons, it is asked for no more of them in this decision. A thread cannot be stopped in Python: one
that never ends keeps its thread, and its layer stays silent until the process ends. The hub's own layers are
played directly.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any, TypeVar

import numpy as np

from hub.layers.base import Candidates, Contribution, Layer, Moment
from hub.profiles.view import ProfileView

T = TypeVar("T")
LIMIT = 0.05  # seconds that a decision waits for a layer from outside
REST = 10.0  # seconds for which a layer that took too long is not asked again


class LayerFault(Exception):
    """A layer did not keep its contract; `reason` is told in the decision, and holds no data of anybody."""

    def __init__(self, layer: str, reason: str) -> None:
        super().__init__(f"layer {layer!r} {reason}")
        self.layer = layer
        self.reason = reason


def play(layer: Layer, view: ProfileView, candidates: Candidates, moment: Moment) -> Contribution:
    """Return a layer's verdict, held to its contract: one finite score in [-1, 1] for each candidate.

    Finite scores outside the range are brought to its edge.

    Raises:
        LayerFault: it raised, took too long, or did not return one finite number for each candidate.
    """
    try:
        contribution = layer.score(view, candidates, moment)
        scores = np.asarray(contribution.scores, np.float64)
        sentence = contribution.sentence
    except LayerFault:
        raise
    except Exception as error:
        raise LayerFault(layer.name, f"raised {type(error).__name__}") from error
    if scores.shape != (len(candidates),):
        raise LayerFault(
            layer.name, f"returned scores of shape {scores.shape} for {len(candidates)} candidates"
        )
    if not np.isfinite(scores).all():
        raise LayerFault(layer.name, "returned scores that are no numbers")
    return Contribution(np.minimum(np.maximum(scores, -1.0), 1.0), _held(sentence))


def _held(sentence: Callable[[int], str]) -> Callable[[int], str]:
    """Return a sentence that is "" where making it fails: the reason of another layer is told then."""

    def told(position: int) -> str:
        try:
            return str(sentence(position))
        except Exception:  # noqa: BLE001 - a third party's layer may raise whatever it likes
            return ""

    return told


@dataclass(slots=True)
class _Call:
    """One question to a layer, and its answer."""

    ask: Callable[[], Any]
    done: threading.Event = field(default_factory=threading.Event)
    answer: Any = None
    fault: str | None = None


def unguarded(layers: Mapping[str, Layer]) -> dict[str, Layer]:
    """Return layers to be asked for as long as they take, for whoever measures and keeps nobody waiting."""
    return {name: layer.inner if isinstance(layer, GuardedLayer) else layer for name, layer in layers.items()}


class GuardedLayer:
    """A layer from outside, asked in a thread of its own and only for so long."""

    def __init__(
        self,
        inner: Layer,
        *,
        limit: float = LIMIT,
        rest: float = REST,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = inner.name
        self.version = inner.version
        self.title = inner.title
        self.description = inner.description
        self.inner = inner
        self._limit = limit
        self._rest = rest
        self._monotonic = monotonic
        self._calls: SimpleQueue[_Call] = SimpleQueue()
        self._worker: threading.Thread | None = None
        self._late: _Call | None = None
        self._resting_until = float("-inf")

    def score(self, view: ProfileView, candidates: Candidates, moment: Moment) -> Contribution:
        """Ask the layer; its reasons are asked for in the same way, as long as they do not take long all together.

        Raises:
            LayerFault: it raised, is late, or still busy with an earlier question, or resting after one.
        """
        made = self._asked(lambda: self.inner.score(view, candidates, moment))
        tell, spent = made.sentence, 0.0

        def sentence(position: int) -> str:
            nonlocal spent
            if spent >= self._limit:
                return ""
            began = self._monotonic()
            try:
                return self._asked(lambda: str(tell(position)))
            finally:
                spent += self._monotonic() - began

        return Contribution(made.scores, sentence)

    def _asked(self, ask: Callable[[], T]) -> T:
        """Return what the layer answers, in its own thread and within the limit."""
        if self._late is not None and not self._late.done.is_set():
            raise LayerFault(self.name, "is still busy with an earlier question")
        self._late = None
        if self._monotonic() < self._resting_until:
            raise LayerFault(self.name, "took too long lately, and is not asked for a while")
        if self._worker is None:
            self._worker = threading.Thread(target=self._work, name=f"layer-{self.name}", daemon=True)
            self._worker.start()
        call = _Call(ask)
        self._calls.put(call)
        if not call.done.wait(self._limit):
            self._late = call
            self._resting_until = self._monotonic() + self._rest
            raise LayerFault(self.name, f"took longer than {self._limit * 1000:g} ms")
        if call.fault is not None:
            raise LayerFault(self.name, call.fault)
        answer: T = call.answer
        return answer

    def _work(self) -> None:
        while True:
            call = self._calls.get()
            try:
                call.answer = call.ask()
            except BaseException as error:  # noqa: BLE001 - whatever it is, it ends this answer and not the thread
                call.fault = f"raised {type(error).__name__}"
            call.done.set()
