"""The agents of many instances, asked whether they answer and told to stop: all accounts and Regions side by side.

A place that is silent holds up no other. What it has not told when the others have long done so is not known yet, and
is asked for at the next look.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from wavebreak.aws.clients import UnsupportedPlace
from wavebreak.problems import CircuitOpen, Unavailable
from wavebreak.resilience.aws_errors import FAULTS, is_transient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from concurrent.futures import Future

    from wavebreak.aws.ssm import Ssm
    from wavebreak.domain.commands.runs import CommandTarget
    from wavebreak.site import Place

logger = logging.getLogger(__name__)

_SILENCE_SECONDS: Final = 3.0
"""So long after the last answer of any place the others are waited for no more."""
_AT_ONCE: Final = 16
_STOP_SECONDS: Final = 6.0
"""So long commands are stopped while somebody waits; the workers that watch them stop the rest."""


@dataclass
class PlaceSeen:
    """What was learnt of one place: which of the instances asked for answer, and what stood in the way of the rest."""

    asked: set[str] = field(default_factory=set)
    """The instances of which it is known now."""
    online: set[str] = field(default_factory=set)
    trouble: Exception | None = None
    """Why the others are not known; None also while the place is silent."""


class Agents:
    """What one look showed."""

    def __init__(self, seen: dict[Place, PlaceSeen]) -> None:
        """Take what each place told."""
        self._seen = seen

    def answers(self, target: CommandTarget) -> bool:
        """Tell whether the agent of a target answers."""
        return target.instance_id in self._seen[target.place].online

    def is_absent(self, target: CommandTarget) -> bool:
        """Tell whether SSM was asked for a target's agent, and it does not answer."""
        place = self._seen[target.place]
        return target.instance_id in place.asked and target.instance_id not in place.online

    def is_silent(self, target: CommandTarget) -> bool:
        """Tell whether SSM does not say anything of a target, in a way that may pass."""
        place = self._seen[target.place]
        known = target.instance_id in place.asked
        return not known and (place.trouble is None or _may_pass(place.trouble))

    def trouble(self, target: CommandTarget) -> str:
        """Say why nothing is known of a target."""
        return str(self._seen[target.place].trouble or "no answer in time")

    def is_left_alone(self, target: CommandTarget) -> bool:
        """Tell whether SSM was not even asked for a target, because its circuit is open."""
        return isinstance(self._seen[target.place].trouble, CircuitOpen)


def _may_pass(trouble: Exception) -> bool:
    return is_transient(trouble) or isinstance(trouble, Unavailable)


def look_at_agents(
    targets: Iterable[CommandTarget], ssm_at: Callable[[Place], Ssm], note: Callable[[Exception, Place], None]
) -> Agents:
    """Ask for the agents of targets, fifty a call; `note` is told of each place's trouble.

    With one place its answer is waited for, however long it takes.
    """
    wanted: dict[Place, list[str]] = defaultdict(list)
    for target in targets:
        wanted[target.place].append(target.instance_id)
    seen = {place: PlaceSeen() for place in wanted}
    adapters: dict[Place, Ssm] = {}
    for place in wanted:
        # Made in one thread: making several at a time is not safe.
        try:
            adapters[place] = ssm_at(place)
        except (*FAULTS, UnsupportedPlace) as error:
            seen[place].trouble = error
    if len(adapters) == 1:
        for place, ssm in adapters.items():
            _ask(ssm, wanted[place], seen[place])
    elif adapters:
        _ask_side_by_side(adapters, wanted, seen)
    for place, told in seen.items():
        if told.trouble is not None:
            note(told.trouble, place)
        elif len(told.asked) < len(wanted[place]):
            logger.warning("%s did not tell in time which agents answer", place)
    return Agents({place: PlaceSeen(set(told.asked), set(told.online), told.trouble) for place, told in seen.items()})


def _ask(ssm: Ssm, instances: list[str], seen: PlaceSeen) -> None:
    """Ask one place for its instances, call by call."""
    from wavebreak.aws.ssm import IDS_A_CALL  # noqa: PLC0415  an adapter is imported by functions that use it

    for start in range(0, len(instances), IDS_A_CALL):
        batch = instances[start : start + IDS_A_CALL]
        try:
            online = ssm.online(batch)
        except FAULTS as error:
            seen.trouble = error
            return
        seen.online |= online
        seen.asked |= set(batch)


def _ask_side_by_side(adapters: dict[Place, Ssm], wanted: dict[Place, list[str]], seen: dict[Place, PlaceSeen]) -> None:
    """Ask the places at the same time, and leave those alone from which nothing comes any more."""
    pool = ThreadPoolExecutor(min(_AT_ONCE, len(adapters)), thread_name_prefix="agents")
    pending: set[Future[None]] = {
        pool.submit(copy_context().run, _ask, ssm, wanted[place], seen[place]) for place, ssm in adapters.items()
    }
    told, last = -1, time.monotonic()
    while pending and time.monotonic() < last + _SILENCE_SECONDS:
        _, pending = wait(pending, timeout=0.1)
        now_told = len(adapters) - len(pending) + sum(len(place.asked) for place in seen.values())
        if now_told > told:
            told, last = now_told, time.monotonic()
    pool.shutdown(wait=False, cancel_futures=True)


def stop_commands(
    targets: Iterable[CommandTarget], ssm_at: Callable[[Place], Ssm], note: Callable[[Exception, Place], None]
) -> None:
    """Have SSM stop the commands that were sent to targets; `note` is told of those that could not be."""
    sent = [target for target in targets if target.ssm_command_id is not None]
    adapters: dict[Place, Ssm] = {}
    for place in {target.place for target in sent}:
        try:
            adapters[place] = ssm_at(place)
        except (*FAULTS, UnsupportedPlace) as error:
            note(error, place)
    reached = [target for target in sent if target.place in adapters]
    if not reached:
        return
    pool = ThreadPoolExecutor(min(_AT_ONCE, len(reached)), thread_name_prefix="stop")
    pending = {
        pool.submit(
            copy_context().run, adapters[target.place].cancel, str(target.ssm_command_id), [target.instance_id]
        ): target.place
        for target in reached
    }
    done, _ = wait(pending, timeout=_STOP_SECONDS)
    pool.shutdown(wait=False, cancel_futures=True)
    for future in done:
        trouble = future.exception()
        if isinstance(trouble, FAULTS):
            note(trouble, pending[future])
        elif trouble is not None:
            raise trouble
