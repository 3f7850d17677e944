"""The agents of many instances, asked whether they answer and asked to stop: all accounts and Regions side by side.

A site that is silent holds up no other. What it has not answered when the others have is not known yet, and
is asked for at the next read.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Final, Protocol

from msgspec import Struct

from wavebreak.aws.clients import UnsupportedSiteError
from wavebreak.aws.reads_by_id import PartialReadError
from wavebreak.problems import CircuitOpen, Unavailable
from wavebreak.resilience.aws_errors import FAULTS, is_transient
from wavebreak.resilience.threads import begin
from wavebreak.values import field

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from concurrent.futures import Future

    from wavebreak.domain.commands.runs import CommandTarget
    from wavebreak.site import Site

    class _Asked(Protocol):
        """SSM of a site, which reports whose agents answer."""

        def online(self, instance_ids: Sequence[str], /) -> frozenset[str]: ...

    class _Stopping(Protocol):
        """SSM of a site, which stops commands."""

        def cancel(self, command_id: str, instance_ids: Iterable[str], /) -> None: ...


logger = logging.getLogger(__name__)

_SILENCE_SECONDS: Final = 3.0
"""So long after the last answer of any site the others are waited for no more."""
_AT_ONCE: Final = 16
_STOP_SECONDS: Final = 6.0
"""How long commands are stopped while a caller waits; the workers that watch them stop the rest."""
_STOP_SILENCE_SECONDS: Final = 0.7
"""So long after the last one that was stopped the others are waited for no more: the machine has more to do."""


class SiteSeen(Struct):
    """What was learnt of one site: which of the instances asked for answer, and what stood in the way of the rest."""

    asked: set[str] = field(default_factory=set)
    """The instances of which it is known now."""
    online: set[str] = field(default_factory=set)
    trouble: Exception | None = None
    """Why the others are not known; None also while the site is silent."""
    troubles: dict[str, Exception] = field(default_factory=dict)
    """Why SSM does not report some agents while it reports others."""

    def trouble_with(self, instance: str) -> Exception | None:
        """Return why nothing is known of an instance; None also while the site is silent."""
        return self.troubles.get(instance, self.trouble)


class Agents:
    """What one read showed."""

    def __init__(self, seen: dict[Site, SiteSeen]) -> None:
        """Keep the answer of each site."""
        self._seen = seen

    def answers(self, target: CommandTarget) -> bool:
        """Return whether the agent of a target answers."""
        return target.instance_id in self._seen[target.site].online

    def is_absent(self, target: CommandTarget) -> bool:
        """Return whether SSM was asked for a target's agent, and it does not answer."""
        site = self._seen[target.site]
        return target.instance_id in site.asked and target.instance_id not in site.online

    def is_silent(self, target: CommandTarget) -> bool:
        """Return whether SSM does not say anything of a target, in a way that may pass."""
        site = self._seen[target.site]
        trouble = site.trouble_with(target.instance_id)
        return target.instance_id not in site.asked and (trouble is None or _may_pass(trouble))

    def trouble(self, target: CommandTarget) -> str:
        """Return why nothing is known of a target."""
        return str(self._seen[target.site].trouble_with(target.instance_id) or "no answer in time")

    def is_left_alone(self, target: CommandTarget) -> bool:
        """Return whether SSM was not even asked for a target, because its circuit is open."""
        return isinstance(self._seen[target.site].trouble_with(target.instance_id), CircuitOpen)


def _may_pass(trouble: Exception) -> bool:
    return is_transient(trouble) or isinstance(trouble, Unavailable)


def read_agents(
    targets: Iterable[CommandTarget], ssm_at: Callable[[Site], _Asked], note: Callable[[Exception, Site], None]
) -> Agents:
    """Ask for the agents of targets, fifty a call; `note` is called with each site's trouble.

    With one site its answer is waited for, however long it takes.
    """
    wanted: dict[Site, list[str]] = defaultdict(list)
    for target in targets:
        wanted[target.site].append(target.instance_id)
    seen = {site: SiteSeen() for site in wanted}
    adapters: dict[Site, _Asked] = {}
    for site in wanted:
        # Made in one thread: making several at a time is not safe.
        try:
            adapters[site] = ssm_at(site)
        except (*FAULTS, UnsupportedSiteError) as error:
            seen[site].trouble = error
    if len(adapters) == 1:
        for site, ssm in adapters.items():
            _ask(ssm, wanted[site], seen[site])
    elif adapters:
        _ask_side_by_side(adapters, wanted, seen)
    for site, site_seen in seen.items():
        trouble = site_seen.trouble or next(iter(site_seen.troubles.values()), None)
        if trouble is not None:
            note(trouble, site)
        elif len(site_seen.asked) < len(wanted[site]):
            logger.warning("%s did not report in time which agents answer", site)
    return Agents(
        {
            site: SiteSeen(set(site_seen.asked), set(site_seen.online), site_seen.trouble, dict(site_seen.troubles))
            for site, site_seen in seen.items()
        }
    )


def _ask(ssm: _Asked, instances: list[str], seen: SiteSeen) -> None:
    """Ask one site for its instances, call by call."""
    from wavebreak.aws.ssm import IDS_A_CALL  # noqa: PLC0415  an adapter is imported by functions that use it

    for start in range(0, len(instances), IDS_A_CALL):
        batch = instances[start : start + IDS_A_CALL]
        try:
            online = ssm.online(batch)
        except PartialReadError as error:
            online = frozenset(error.found)
            seen.troubles |= error.troubles
        except FAULTS as error:
            seen.trouble = error
            return
        seen.online |= online
        seen.asked |= set(batch) - seen.troubles.keys()


def _ask_side_by_side(adapters: dict[Site, _Asked], wanted: dict[Site, list[str]], seen: dict[Site, SiteSeen]) -> None:
    """Ask the sites at the same time, and leave those alone from which nothing comes any more."""
    pool = ThreadPoolExecutor(min(_AT_ONCE, len(adapters)), thread_name_prefix="agents")
    pending: set[Future[None]] = {begin(pool, _ask, ssm, wanted[site], seen[site]) for site, ssm in adapters.items()}
    heard, last = -1, time.monotonic()
    while pending and time.monotonic() < last + _SILENCE_SECONDS:
        _, pending = wait(pending, timeout=0.1)
        heard_now = len(adapters) - len(pending) + sum(len(site.asked) for site in seen.values())
        if heard_now > heard:
            heard, last = heard_now, time.monotonic()
    pool.shutdown(wait=False, cancel_futures=True)


def stop_commands(
    targets: Iterable[CommandTarget], ssm_at: Callable[[Site], _Stopping], note: Callable[[Exception, Site], None]
) -> None:
    """Stop the commands that were sent to targets; `note` is called for each that could not be stopped."""
    sent = [target for target in targets if target.ssm_command_id is not None]
    adapters: dict[Site, _Stopping] = {}
    for site in {target.site for target in sent}:
        try:
            adapters[site] = ssm_at(site)
        except (*FAULTS, UnsupportedSiteError) as error:
            note(error, site)
    reached = [target for target in sent if target.site in adapters]
    if not reached:
        return
    # A pool for each site: one that hangs keeps no thread from another.
    width = max(1, _AT_ONCE // len(adapters))
    pools = {site: ThreadPoolExecutor(width, thread_name_prefix="stop") for site in adapters}
    pending = {
        begin(
            pools[target.site], adapters[target.site].cancel, str(target.ssm_command_id), [target.instance_id]
        ): target.site
        for target in reached
    }
    done = _heard_of(pending)
    for pool in pools.values():
        pool.shutdown(wait=False, cancel_futures=True)
    for future in done:
        trouble = future.exception()
        if isinstance(trouble, FAULTS):
            note(trouble, pending[future])
        elif trouble is not None:
            raise trouble


def _heard_of(pending: Collection[Future[None]]) -> set[Future[None]]:
    """Wait until all are done, or nothing more comes; gives those that are."""
    done: set[Future[None]] = set()
    left, until = set(pending), time.monotonic() + _STOP_SECONDS
    while left and (seconds := min(_STOP_SILENCE_SECONDS, until - time.monotonic())) > 0:
        some, left = wait(left, timeout=seconds, return_when=FIRST_COMPLETED)
        if not some:
            break
        done |= some
    return done
