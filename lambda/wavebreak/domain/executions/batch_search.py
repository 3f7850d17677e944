"""Which subjects the next call to DRS names, so that one that DRS refuses holds up no other.

StartRecovery and TerminateRecoveryInstances take all of a batch or nothing of it, and DRS seldom says which subject
(a source server, or a recovery instance) was at fault. A refused batch is searched by halves until the subject at fault
was refused alone; then all the others fit one call again, for jobs are scarce. What was refused alone is remembered
between rounds, with DRS's words, and is tried last and alone; as soon as DRS takes one of several such, the next are
tried together, twice as many each time: what was wrong with many is often over for all of them at once.

A call that DRS answers with a fault of its own is not repeated in the same round: its outcome is unknown. Once its job
is known to be absent, its subjects come back as a group (`Suspicion.call`), which is split in about as many parts as
each part has members, and then in single ones, as far as there is room for so many jobs: the healthy ones are through
in three rounds.

What concerns the whole request is not blamed on subjects: when calls that have no subject in common are refused in the
same words, single ones are tried, and if each of these is refused as well, it is the request's. Which ones is drawn
again in each round: those at fault may lie in any pattern, and a pattern must not be taken for the request twice.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from random import Random
from typing import TYPE_CHECKING, Final

from wavebreak.values import Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

_MOST_REFUSALS: Final = 10
"""Calls refused alike before it is the request that is refused: all but the first few name one subject each."""
_FEWEST_PROBES: Final = 6
"""Single subjects that are tried at least: after a long search, too, a few at fault are not taken for the request."""
_NAMED_BEFORE_PROBES: Final = 3
"""Subjects that DRS named one after another in the same words, before it is asked whether it would name each."""
_SMALL_GROUP: Final = 4
"""A group of so few is tried one by one at once."""
_ID: Final = re.compile(r"\b(?:s|i)-[0-9a-z]{17}\b|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
"""Ids of servers, of instances and of requests: what differs between refusals that are the same."""


class Suspicion(Value):
    """What is remembered of a subject that DRS refused, alone or with others, until DRS takes it."""

    words: str
    """What DRS said."""
    not_before: datetime
    """Until then it is not tried again."""
    times: int = 1
    """Refused calls that it had a part in; 0 when nothing is known against it, and it only waits for something else."""
    call: str | None = None
    """Which refused call it shared with others; None when it was refused alone."""


class Verdict(Value):
    """What one refusal comes to."""

    culprits: Mapping[str, str]
    """Subjects that are known to be refused now, with DRS's words."""
    request: str | None = None
    """DRS's words when it is the request that DRS refuses, whatever subjects it names."""


class BatchSearch:
    """The calls of one round over what is due: each batch that `choose` gives is called and its outcome reported back.

    `remembered` holds the suspicions of earlier rounds. `proven` says that DRS has taken a call of the same kind
    before: a refusal is due to subjects then. `jobs` is how many jobs there is room for: groups are split in no more,
    but for two parts of each.
    """

    def __init__(
        self,
        subjects: Iterable[str],
        remembered: Mapping[str, Suspicion],
        now: datetime,
        *,
        proven: bool = False,
        jobs: int = 20,
    ) -> None:
        """Keep the due subjects, in order, and what earlier rounds recorded about them."""
        self._clear: list[str] = []
        self._alone: list[str] = []
        self._parts: list[list[str]] = []
        self._suspects: list[tuple[list[str], str]] = []
        """Sets with at least one refused member, with the message of DRS; the last set is searched."""
        self._probes: list[str] | None = None
        self._draw = Random(now.isoformat())  # noqa: S311  a sample, no secret: the same round draws the same
        self._proven = proven
        self._refused: list[tuple[frozenset[str], str]] = []
        """Refusals that may be the request's: the subjects, and the message of DRS without ids."""
        self._most: int | None = None
        self._together = 1
        """How many of those that were refused alone are tried in one call."""
        self._groups: dict[str, list[str]] = {}
        self._words = {subject: suspicion.words for subject, suspicion in remembered.items()}
        self._sort(subjects, remembered, now, jobs)

    def _sort(self, subjects: Iterable[str], remembered: Mapping[str, Suspicion], now: datetime, jobs: int) -> None:
        groups: dict[str, list[str]] = defaultdict(list)
        for subject in subjects:
            suspicion = remembered.get(subject)
            if suspicion is not None and now < suspicion.not_before:
                continue
            if suspicion is None or not suspicion.times:
                self._clear.append(subject)
            else:
                (self._alone if suspicion.call is None else groups[suspicion.call]).append(subject)
        left = jobs
        for done, (call, members) in enumerate(groups.items()):
            self._groups[call] = members
            share = max(2, left // (len(groups) - done))
            parts = _parts(members, again=remembered[members[0]].times > 1, most=share)
            left -= len(parts)
            self._parts += parts

    @property
    def suspects(self) -> dict[str, str]:
        """Subjects of which some were refused, with the message of DRS; which ones is not known yet."""
        return {subject: words for members, words in self._suspects for subject in members}

    @property
    def left(self) -> tuple[str, ...]:
        """What is still to be tried in this round."""
        groups = (*(members for members, _ in self._suspects), *self._parts)
        return (*self._clear, *(subject for members in groups for subject in members), *self._alone)

    def choose(self, room: int) -> tuple[str, ...]:
        """Return the next batch, of at most `room`; an empty one when nothing is left to be tried in this round."""
        room = room if self._most is None else min(room, self._most)
        if room < 1:
            return ()
        if self._probes:
            return (self._probes[0],)
        if self._clear and (not self._suspects or len(self._clear) >= room or self._wants_another):
            return tuple(self._clear[:room])
        if self._suspects:
            members, _ = self._suspects[-1]
            return tuple(members[: min(room, max(1, len(members) // 2))])
        if self._parts:
            return tuple(self._parts[0][:room])
        return tuple(self._alone[: min(room, self._together)])

    def leave_out(self, subjects: Iterable[str]) -> None:
        """Try these no more in this round, for a reason of the caller's."""
        gone = list(subjects)
        self._forget(gone)
        self._leave_groups(gone)

    @property
    def _wants_another(self) -> bool:
        """Whether others are to be tried before the search goes deeper: the request itself may be what is refused."""
        return len(self._refused) > 1 and not self._proven and bool(self._clear)

    def accepted(self, batch: Sequence[str]) -> Mapping[str, str]:
        """Record that DRS accepted a batch; return the subjects suspected now, with the message of the refusal.

        When all but one of a group were accepted, it was refused for the last one, or a fault of DRS has passed: the
        last one is left to the next round.
        """
        self._proven = True
        self._probes = None
        if frozenset(batch) <= frozenset(self._alone):
            self._together = 2 * len(batch)
        self._forget(batch)
        taken = frozenset(batch)
        last = {}
        for call, members in list(self._groups.items()):
            left = [member for member in members if member not in taken]
            if len(left) < len(members):
                self._groups[call] = left
                if len(left) == 1:
                    last[left[0]] = self._words[left[0]]
                    self._forget(left)
        return last

    def unknown(self, batch: Sequence[str]) -> None:
        """Record that it is unknown whether DRS accepted a batch: it is not tried again in this round."""
        self._together = 1
        self._forget(batch)
        self._leave_groups(batch)
        if self._probes:
            self._proven, self._probes = True, None

    def too_large(self, batch: Sequence[str]) -> bool:
        """Halve what is tried from now on: a quota on servers was exceeded. False when one alone is too many."""
        if len(batch) == 1:
            return False
        self._most = len(batch) // 2
        return True

    def refused(self, batch: Sequence[str], words: str, *, may_be_request: bool) -> Verdict:
        """Record a refusal and return its verdict; `may_be_request`: DRS may refuse so whatever the call names."""
        named = [subject for subject in batch if subject in words]
        culprits = named if named and len(batch) > 1 else list(batch) if len(batch) == 1 else []
        self._blame(batch, culprits, words)
        if may_be_request:
            self._refused.append((frozenset(culprits or batch), _plain(words)))
        elif self._probes:
            self._proven, self._probes = True, None
        return Verdict(dict.fromkeys(culprits, words), self._request(culprits, words))

    def _blame(self, batch: Sequence[str], culprits: Sequence[str], words: str) -> None:
        """Leave the culprits out, or have the batch searched for them; of the others of its set nothing is known."""
        members = frozenset(batch)
        searched = self._suspects[-1][0] if self._suspects and members <= frozenset(self._suspects[-1][0]) else []
        others = [subject for subject in searched if subject not in members]
        self._together = 1
        self._forget((*batch, *others))
        self._leave_groups(batch)
        if culprits:
            others = [subject for subject in batch if subject not in frozenset(culprits)] + others
        else:
            self._suspects.append((list(batch), words))
        self._clear = others + self._clear

    def _request(self, culprits: Sequence[str], words: str) -> str | None:
        """Return whether it is the request that is refused; begins the probes when it may be."""
        if self._proven:
            return None
        if any(plain != self._refused[0][1] for _, plain in self._refused):
            self._proven, self._probes = True, None
            return None
        if self._probes is not None:
            self._probes = [probe for probe in self._probes if probe not in culprits]
            return None if self._probes else words
        if self._looks_like_the_request():
            self._probes = self._drawn()
        return None

    def _looks_like_the_request(self) -> bool:
        """Return whether calls without a common subject were refused alike."""
        apart: list[frozenset[str]] = []
        for subjects, _ in reversed(self._refused):
            if all(subjects.isdisjoint(other) for other in apart):
                apart.append(subjects)
        several = sum(len(subjects) > 1 for subjects in apart)
        return several > 1 or len(apart) >= _NAMED_BEFORE_PROBES

    def _drawn(self) -> list[str] | None:
        """Choose random single subjects of all that are left."""
        suspects = (subject for members, _ in self._suspects for subject in members)
        pool = [*suspects, *self._clear, *(subject for part in self._parts for subject in part)]
        count = max(_FEWEST_PROBES, _MOST_REFUSALS - len(self._refused))
        return self._draw.sample(pool, min(count, len(pool))) or None

    def _forget(self, subjects: Iterable[str]) -> None:
        gone = frozenset(subjects)
        self._clear = [subject for subject in self._clear if subject not in gone]
        left = ([subject for subject in members if subject not in gone] for members, _ in self._suspects)
        words = (words for _, words in self._suspects)
        self._suspects = [(members, said) for members, said in zip(left, words, strict=True) if members]
        self._alone = [subject for subject in self._alone if subject not in gone]
        self._parts = [kept for part in self._parts if (kept := [subject for subject in part if subject not in gone])]

    def _leave_groups(self, subjects: Iterable[str]) -> None:
        """Infer nothing any more of groups of which some were not taken."""
        gone = frozenset(subjects)
        self._groups = {call: members for call, members in self._groups.items() if gone.isdisjoint(members)}


def _parts(members: Sequence[str], *, again: bool, most: int) -> list[list[str]]:
    """Split a group: about as many parts as each has members, and single ones when a part of it was refused again."""
    single = again or len(members) <= _SMALL_GROUP
    count = min(len(members) if single else math.ceil(math.sqrt(len(members))), most)
    size = math.ceil(len(members) / count)
    return [list(members[start : start + size]) for start in range(0, len(members), size)]


def _plain(words: str) -> str:
    return _ID.sub("\N{HORIZONTAL ELLIPSIS}", words)
