"""Reads of DRS in several accounts and Regions at the same time: none holds up the others, and all end within a limit.

`Sites` are those of a machine's round. A site that failed is not asked again in the same round; the next round asks
it again. `begin` returns the answers as they come, so that a silent site does not delay the others. `Asking` serves a
caller that waits for the answer: each question gets an answer, or the trouble that prevented it.
"""

from __future__ import annotations

import time
from collections import defaultdict
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, TypeVar

from botocore.exceptions import ClientError

from wavebreak.aws.clients import UnsupportedSiteError
from wavebreak.aws.few_at_once import no_time, trouble_of
from wavebreak.aws.reads_by_id import PartialReadError, reported_only
from wavebreak.domain.drs import Trouble, in_batches
from wavebreak.problems import Unavailable
from wavebreak.resilience.aws_errors import FAULTS, is_answered_fault, is_dependency_fault, words_of
from wavebreak.resilience.client_config import BRIEF_ATTEMPTS, series_seconds
from wavebreak.resilience.threads import begin, side_by_side
from wavebreak.timeouts import Deadline, ending_in, log_expiry

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence

    from wavebreak.site import Site

T = TypeVar("T")
Adapter = TypeVar("Adapter")

_AT_ONCE: Final = 8
"""Below the ten connections that a client keeps."""
_MOST_SITES: Final = 40
"""Sites that are asked side by side; a site that hangs keeps a thread of its own."""
_BEHIND_THE_FIRST_SECONDS: Final = 1.0
"""How long the others are waited for once the first site has answered."""
_ALL_SILENT_SECONDS: Final = 1.5
"""How long any answer is waited for."""
_KNOWN_SILENT_SECONDS: Final = 0.2
"""How long a site is waited for that was silent the last time."""
_REMEMBERED_SECONDS: Final = 60.0


class Answers(Generic[T]):
    """The answers of sites that are asked side by side, as they come.

    What a site reports after this was given up is dropped: it is asked again in the next round.
    """

    def __init__(
        self,
        asked: Mapping[Site, Future[tuple[T] | None]],
        silences: dict[Site, float],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Keep the questions under way, and until when each site counts as silent; `clock` counts seconds."""
        self._waiting = dict(asked)
        self._silences = silences
        self._clock = clock

    @property
    def silent(self) -> frozenset[Site]:
        """The sites that have neither answered nor failed."""
        return frozenset(self._waiting)

    def first(self) -> dict[Site, T]:
        """Return the answers that come at once; neither the first nor the last site is waited for long.

        Only sites that were silent already are waited for no longer than a moment.
        """
        begun = self._clock()
        found: dict[Site, T] = {}
        answered = None
        while self._waiting:
            known = all(self._silences.get(site, 0) > begun for site in self._waiting)
            if answered is None:
                until = begun + (_KNOWN_SILENT_SECONDS if known else _ALL_SILENT_SECONDS)
            else:
                until = answered + (_KNOWN_SILENT_SECONDS if known else _BEHIND_THE_FIRST_SECONDS)
            left = until - self._clock()
            if left <= 0:
                break
            found |= self.more(left)
            answered = answered or (self._clock() if found else None)
        for site in self._waiting:
            self._silences[site] = self._clock() + _REMEMBERED_SECONDS
        return found

    def more(self, seconds: float) -> dict[Site, T]:
        """Wait for more answers, at most so long, and return them."""
        done, _ = wait(self._waiting.values(), timeout=seconds, return_when=FIRST_COMPLETED)
        ended = [site for site, future in self._waiting.items() if future in done]
        finished = {site: self._waiting.pop(site).result() for site in ended}
        for site in ended:
            self._silences.pop(site, None)
        return {site: answer[0] for site, answer in finished.items() if answer is not None}


class Sites(Generic[Adapter]):
    """The sites of one round, each asked by its adapter."""

    def __init__(
        self,
        drs_at: Callable[[Site], Adapter],
        note: Callable[[Exception, str, Site], None],
        silences: dict[Site, float] | None = None,
    ) -> None:
        """Begin the round: no call is begun that might not end within it.

        Takes how a site's adapter is had, what notes an error with the question and the site that it came of, and
        what is remembered between rounds of sites that were silent.
        """
        self._silences = {} if silences is None else silences
        self.failed: dict[Site, str] = {}
        """Sites that failed, each with what the service said, if it said anything."""
        self.drs_at = drs_at
        self._note = note
        self._deadline = Deadline("observation_round")
        self._longest = min(series_seconds("drs_call"), self._deadline.seconds / 2)

    def ask(self, what: str, questions: Mapping[Site, Callable[[Adapter], T]]) -> dict[Site, T]:
        """Ask each site its question and give the answers of those that answered; `what` is for the log."""
        ready = [(site, drs) for site in questions if (drs := self._adapter(what, site)) is not None]
        if not ready:
            return {}
        asked = {site: partial(self._one, what, site, drs, questions[site]) for site, drs in ready}
        if len(ready) == 1:
            answers = [question() for question in asked.values()]
        else:
            answers = side_by_side(asked.values(), _AT_ONCE, "site")
        return {site: answer[0] for site, answer in zip(asked, answers, strict=True) if answer}

    def begin(self, what: str, questions: Mapping[Site, Callable[[Adapter], T]]) -> Answers[T]:
        """Ask each site its question, and return the answers as they come; `what` is for the log."""
        ready = [(site, drs) for site in questions if (drs := self._adapter(what, site)) is not None]
        pool = ThreadPoolExecutor(min(_MOST_SITES, len(ready)) or 1, thread_name_prefix="site")
        asked = {site: begin(pool, self._one, what, site, drs, questions[site]) for site, drs in ready}
        pool.shutdown(wait=False)
        return Answers(asked, self._silences)

    def note_silence(self, what: str, sites: Iterable[Site], seconds: float) -> None:
        """Note that sites were waited for in vain."""
        for site in sites:
            self._note(Unavailable(f"DRS in {site} did not answer within {seconds:g} s"), what, site)

    def _adapter(self, what: str, site: Site) -> Adapter | None:
        """Return the adapter of a site that has not failed. It is made in one thread: making several is not safe."""
        if site in self.failed:
            return None
        try:
            return self.drs_at(site)
        except (*FAULTS, UnsupportedSiteError) as error:
            self._lost(what, site, error)
            return None

    def _one(self, what: str, site: Site, drs: Adapter, question: Callable[[Adapter], T]) -> tuple[T] | None:
        left = self._deadline.left
        if left < self._longest:
            log_expiry(self._deadline.operation, self._deadline.seconds, question=what, site=str(site))
            self.failed[site] = ""
            return None
        try:
            with ending_in(left):
                return (question(drs),)
        except FAULTS as error:
            self._lost(what, site, error)
            return None

    def _lost(self, what: str, site: Site, error: Exception) -> None:
        self._note(error, what, site)
        self.failed[site] = words_of(error) if isinstance(error, ClientError) else ""


class Question(NamedTuple):
    """A call of DRS: its operation's name, what makes it, and the site that is asked."""

    operation: str
    call: Callable[[], Any]
    site: Hashable = None


def questions_of_servers(
    operation: str,
    servers: Mapping[Site, Sequence[str]],
    drs_at: Callable[[Site], Adapter],
    ask: Callable[[Adapter, Sequence[str]], Iterable[Any]],
) -> Iterator[Question]:
    """Ask each site for its source servers, as many in a call as DRS takes.

    A site that cannot be reached is left out, and so is a server that DRS does not report.
    """
    for site, ids in servers.items():
        try:
            drs = drs_at(site)
        except UnsupportedSiteError:
            continue
        for batch in in_batches(ids):
            yield Question(operation, partial(reported_only, partial(ask, drs, batch)), site)


class Asking:
    """Asks until its time is over; `clock` counts seconds.

    Questions are begun within the limit `asking`, and the last one then takes a brief call of DRS (13 s), so that
    the API answers in time. Sites are asked side by side, and one that gives no answer at all is asked
    nothing more. Where no caller waits, another `limit` may count, fewer questions be put `at_once`, and a site be
    asked nothing for as long as it `gives_way` to others.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        *,
        limit: str = "asking",
        at_once: int = _AT_ONCE,
        gives_way: Callable[[Hashable], bool] = lambda _site: False,
    ) -> None:
        """Begin to count."""
        longest = series_seconds("drs_brief_call", BRIEF_ATTEMPTS)
        self._deadline = Deadline(limit, reserve=longest, clock=clock)
        self._at_once = at_once
        self._gives_way = gives_way
        self._failed: dict[Hashable, str] = {}

    @property
    def over(self) -> bool:
        """Whether nothing new may be asked."""
        return self._deadline.over

    def all(self, questions: Sequence[Question], *, to_the_end: bool = True, spared: float = 0.0) -> list[Any]:
        """Ask questions and give answers or Troubles in their order.

        None is begun any more in the last part of the time that is `spared` for others (0 to 1). Unless all are
        waited for `to_the_end`, those that have no answer when the time is over are left behind, and their sites
        are asked nothing more.
        """
        by_site: dict[Hashable, list[Question]] = defaultdict(list)
        for question in questions:
            by_site[question.site].append(question)
        width = max(1, self._at_once // max(1, len(by_site)))
        pools = {site: ThreadPoolExecutor(width, thread_name_prefix="asking") for site in by_site}
        try:
            until = spared * self._deadline.seconds
            pending = [begin(pools[each.site], self._ask, each, until) for each in questions]
            done, _ = wait(pending, timeout=None if to_the_end else self._deadline.left)
        finally:
            for pool in pools.values():
                pool.shutdown(wait=to_the_end, cancel_futures=True)
        answers = zip(questions, pending, strict=True)
        return [future.result() if future in done else self._left_behind(question) for question, future in answers]

    def _left_behind(self, question: Question) -> Trouble:
        self._failed.setdefault(question.site, question.operation)
        return Trouble(question.operation, f"did not end within {self._deadline.seconds:g} s")

    def _ask(self, question: Question, until: float) -> Any:
        operation = question.operation
        if question.site in self._failed:
            return Trouble(operation, f"not asked after {self._failed[question.site]} failed", asked=False)
        if self.over or (until and self._deadline.left < until):
            return no_time(operation)
        if self._gives_way(question.site):
            return Trouble(operation, "it is left to a recovery that launches there", asked=False)
        try:
            return question.call()
        except ClientError as error:
            if _is_throttle(error):
                # The site is busy, perhaps with a recovery: mere reads ask it nothing more.
                self._failed[question.site] = operation
            return trouble_of(operation, error)
        except FAULTS as error:
            # A service that reports some subjects and not others is healthy.
            if not isinstance(error, PartialReadError):
                self._failed[question.site] = operation
            return trouble_of(operation, error)


def _is_throttle(error: ClientError) -> bool:
    """Return whether a service holds calls back: it is not well, and it is not its own fault."""
    return is_dependency_fault(error) and not is_answered_fault(error)
