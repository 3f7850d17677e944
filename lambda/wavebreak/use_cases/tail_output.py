"""The lines of a command run as they are written: read stream by stream from where the last answer stopped."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final, Protocol

from wavebreak.domain.commands.output_page import OutputPage
from wavebreak.domain.commands.runs import MAX_TARGETS, TargetState, stream_name
from wavebreak.store.answer_sizes import answer_size
from wavebreak.store.list_tokens import content_of, encoded, no_token
from wavebreak.timing import iso

if TYPE_CHECKING:
    from wavebreak.domain.commands.runs import CommandTarget
    from wavebreak.ports.capabilities import HasCommands, HasOutput

    class Ports(HasCommands, HasOutput, Protocol):
        """What reading output as it comes needs."""


_STREAMS_A_CALL: Final = 20
"""Streams that one answer reads: twice as many as ever run at once."""
_BYTES_A_CALL: Final = 4_000_000
"""Of an answer of a function, which may have six million, what lines take."""


def lines(app: Ports, command_id: str, *, limit: int, token: str | None) -> tuple[list[dict[str, Any]], str | None]:
    """Return the next lines of a run, `{target, at, line}`, and where to go on.

    Lines of one target keep their order; targets come in theirs. The token is None when the run has ended and every
    stream was read to its end. Raise NotFound, and InvalidRequest for a token that is none.
    """
    run = app.commands.load(command_id)
    position = _Position.read(token)
    found: list[dict[str, Any]] = []
    streams_read = size = 0
    complete = run.status.is_terminal
    for target, _, _ in app.commands.targets(command_id):
        if target.number <= position.done_to or target.number in position.done:
            continue
        if target.ssm_command_id is None:
            if target.state is TargetState.ENDED:
                position.finish(target.number)
            continue
        if streams_read == _STREAMS_A_CALL or len(found) >= limit:
            complete = False
            break
        streams_read += 1
        read, left = _read(app, target, position, limit - len(found), _BYTES_A_CALL - size)
        found += read
        size += sum(map(answer_size, read))
        if left:
            complete = False
            break
        if read or target.state is not TargetState.ENDED:
            complete = False
        else:
            position.finish(target.number)
    return found, None if complete else position.text()


def _read(
    app: Ports, target: CommandTarget, position: _Position, limit: int, room: int
) -> tuple[list[dict[str, Any]], bool]:
    """Read the next lines of a target, and tell whether some were left for which there is no room.

    A stream is read on from a token of its own only: to leave lines it is read again up to them.
    """
    stream = stream_name(str(target.ssm_command_id), target.instance_id)
    output, token = app.output_at(target.site), position.at.get(target.number)
    page = output.read(stream, token, limit)
    sizes = (answer_size(_shown(target, line)) for line in page.lines)
    fitting = sum(size <= room for size in accumulate(sizes))
    left = fitting < len(page.lines)
    if left and room == _BYTES_A_CALL:
        fitting = max(1, fitting)  # a line that no answer has room for would never come
    if left:
        page = output.read(stream, token, fitting) if fitting else OutputPage((), token)
    if page.token is not None:
        position.at[target.number] = page.token
    return [_shown(target, line) for line in page.lines], left


def _shown(target: CommandTarget, line: tuple[int, str]) -> dict[str, Any]:
    at, text = line
    return {"target": target.name, "at": _time(at), "line": text}


def _time(milliseconds: int) -> str:
    return iso(datetime.fromtimestamp(milliseconds / 1000, UTC))


class _Position:
    """How far each stream was read: targets read to their end, and the tokens of the others."""

    def __init__(self, done_to: int, done: set[int], at: dict[int, str]) -> None:
        self.done_to = done_to
        self.done = done
        self.at = at

    def finish(self, number: int) -> None:
        """Mark a stream as read to its end; runs of such targets from the first on take no room."""
        self.at.pop(number, None)
        self.done.add(number)
        while self.done_to + 1 in self.done:
            self.done_to += 1
            self.done.discard(self.done_to)

    def text(self) -> str:
        """Write the position as an opaque token."""
        content = {"to": self.done_to, "done": sorted(self.done), "at": {str(n): token for n, token in self.at.items()}}
        return encoded(content)

    @classmethod
    def read(cls, token: str | None) -> _Position:
        """Read a position; the beginning without a token."""
        if token is None:
            return cls(0, set(), {})
        try:
            content = content_of(token)
            to, done, at = content["to"], content["done"], content["at"]
            at = {_number(int(number)): _text(stands) for number, stands in at.items()}
            return cls(_number(to), set(map(_number, done)), at)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise no_token() from error


def _number(value: Any) -> int:
    """Read the number of a target, or 0; ValueError for anything else that JSON may hold."""
    if type(value) is not int or not 0 <= value <= MAX_TARGETS:
        raise ValueError(f"{value!r:.100} is the number of no target")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a stream stands at a text")
    return value
