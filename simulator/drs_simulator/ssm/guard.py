"""The keeper of one script's processes, started as a program of its own: ``guard.py RESULT_FD SCRIPT``.

It runs the script with ``/bin/sh`` in a session of its own and writes ``exit N`` (minus the signal for one that a
signal ended) to the result descriptor. It is the subreaper of all that the script starts, so whatever leaves the
script's process group or session stays below it. When its standard input ends, because the simulator wants it or is no
more, it kills all of them; it ends itself when none is left. Standard library only, and little of it: it starts with
every command.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    # typing takes long to import.
    from typing import NoReturn

_PR_SET_CHILD_SUBREAPER = 36
_CONTROL = 0


def main() -> None:
    """Run the script and stay until none of its processes is left."""
    result, script = int(sys.argv[1]), sys.argv[2]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    awake = _wake_on_children()
    child = _start(script, result)
    for descriptor in (1, 2):
        # The script's outputs end when its own processes end, not when this one does.
        _point_at_nothing(descriptor, os.O_WRONLY)
    while True:
        ready, _, _ = select.select([_CONTROL, awake], [], [])
        if _CONTROL in ready:
            _kill_all(child, result)
        elif awake in ready:
            os.read(awake, 4096)
        if not _reap(child, result):
            return


def _wake_on_children() -> int:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    return reader


def _start(script: str, result: int) -> int:
    child = os.fork()
    if child == 0:
        _become(script, result)
    return child


def _become(script: str, result: int) -> NoReturn:
    os.close(result)
    os.setsid()
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    _point_at_nothing(_CONTROL, os.O_RDONLY)
    os.execv("/bin/sh", ["sh", script])  # noqa: S606 - the script is what this program is for


def _point_at_nothing(descriptor: int, mode: int) -> None:
    nothing = os.open(os.devnull, mode)
    os.dup2(nothing, descriptor)
    os.close(nothing)


def _reap(child: int, result: int, options: int = os.WNOHANG) -> bool:
    """Reap the processes that have ended; return whether any still runs."""
    with suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, options)
            if pid == child:
                _report(result, os.waitstatus_to_exitcode(status))
            if pid == 0 or not options:
                return True
    return False


def _report(result: int, code: int) -> None:
    # A simulator that has gone reads no more.
    with suppress(OSError):
        os.write(result, b"exit %d" % code)
    os.close(result)


def _kill_all(child: int, result: int) -> None:
    """Kill every descendant; each is halted before any is killed, for one that runs may start another meanwhile.

    A reader of the result waits for its end, which comes when the last of them has left the process table.
    """
    held = None
    # It is closed already if the script has ended before and only left something behind.
    with suppress(OSError):
        held = os.dup(result)
    anything = True
    while anything:
        halted: set[int] = set()
        while found := set(_descendants(child)) - halted:
            _signal(found, signal.SIGSTOP)
            halted |= found
        _signal(halted, signal.SIGKILL)
        anything = _reap(child, result, options=0) and _reap(child, result)
    if held is not None:
        os.close(held)


def _signal(pids: set[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _descendants(child: int) -> list[int]:
    """List the processes below this one; where there is no /proc, the script's own."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc") if sys.platform == "linux" else []:  # noqa: PTH208 - pathlib takes long to import
        if name.isdigit():
            children.setdefault(_parent_of(name), []).append(int(name))
    found = children.get(os.getpid(), []) if children else [child]
    for pid in found:
        found.extend(children.get(pid, []))
    return found


def _parent_of(pid: str) -> int:
    """Read the fourth field of ``/proc/PID/stat``; the second is a name in parentheses that may hold anything."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:  # noqa: PTH123 - pathlib would slow the start
            return int(stat.read().rpartition(b")")[2].split()[1])
    except OSError:
        return 0


if __name__ == "__main__":
    main()
