"""What a recovery replaces: DRS ends the earlier instance of each server that it launches. Told, and no obstacle."""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from wavebreak.aws.clients import UnsupportedSiteError
from wavebreak.aws.drs import DESCRIBE_INSTANCES, in_batches
from wavebreak.aws.parallel_reads import Question
from wavebreak.domain.drs import Trouble
from wavebreak.domain.executions.model import Mode
from wavebreak.domain.executions.notices import Notice, NoticeCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wavebreak.app import App
    from wavebreak.aws.parallel_reads import Asking
    from wavebreak.domain.drs import Instance
    from wavebreak.domain.executions.model import Execution
    from wavebreak.site import Site

_NAMED: Final = 3
"""Servers that a warning names; the others are counted."""


def replaced_by(app: App, execution: Execution, asking: Asking) -> tuple[Notice, ...]:
    """Tell which running instances of a RECOVERY a new one replaces, a warning for each wave; none of a drill.

    What DRS does not tell in the time that `asking` has is not warned of: nobody waits for a warning.
    """
    if execution.mode is not Mode.RECOVERY:
        return ()
    questions = list(_questions(app, execution))
    answers: list[Any] = asking.all(questions, to_the_end=False)
    running = {
        (question.site, instance.source_server_id): instance
        for question, answer in zip(questions, answers, strict=True)
        if not isinstance(answer, Trouble)
        for instance in answer
        if not instance.is_drill
    }
    return tuple(_notices(execution, running))


def _questions(app: App, execution: Execution) -> Iterable[Question]:
    servers: dict[Site, list[str]] = defaultdict(list)
    for wave in execution.waves:
        servers[wave.site] += [server.source_server_id for server in wave.servers]
    for site, names in servers.items():
        try:
            drs = app.brief_drs_at(site)
        except UnsupportedSiteError:
            continue
        for batch in in_batches(names):
            yield Question(DESCRIBE_INSTANCES, partial(drs.instances, batch), site)


def _notices(execution: Execution, running: Mapping[Any, Instance]) -> Iterable[Notice]:
    for wave in execution.waves:
        found = [
            (server.source_server_id, instance.recovery_instance_id)
            for server in wave.servers
            if (instance := running.get((wave.site, server.source_server_id))) is not None
        ]
        if found:
            named = ", ".join(f"{server} ({instance})" for server, instance in found[:_NAMED])
            more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
            message = f"Replaces {len(found)} running instance(s) that a recovery launched: {named}{more}"
            yield Notice(NoticeCode.REPLACES_RUNNING, message, wave.number)
