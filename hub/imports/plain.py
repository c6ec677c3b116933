"""Lines without a mapping: the fields are the model's own names, a line of events is a Segment message."""

from collections.abc import Iterator

from hub.imports.readers import Line
from hub.imports.shaping import Refusal, Unit


class PlainShaper:
    """Every line is a unit as it stands."""

    def take(self, line: Line) -> Iterator[Unit | Refusal]:
        """Yield the line's unit."""
        if line.fault is not None:
            yield Refusal(line, line.fault)
        else:
            yield Unit(dict(line.row), [line], count=1)

    def pass_by(self, _line: Line) -> Iterator[Unit | Refusal]:
        """Lines know nothing of each other."""
        yield from ()

    def finish(self) -> Iterator[Unit | Refusal]:
        """Nothing is left at the file's end."""
        yield from ()
