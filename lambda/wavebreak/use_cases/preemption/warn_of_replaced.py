"""What a recovery replaces: DRS ends the earlier instance of each server that it launches. A warning, no obstacle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from wavebreak.aws.parallel_reads import questions_of_servers
from wavebreak.domain.drs import DESCRIBE_INSTANCES, Trouble
from wavebreak.domain.executions.model.executions import Mode
from wavebreak.domain.executions.notices import Notice, NoticeCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wavebreak.aws.parallel_reads import Asking
    from wavebreak.domain.drs import Instance
    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.ports.capabilities import HasBriefDrs

    class Ports(HasBriefDrs, Protocol):
        """What warning of what is replaced needs."""


_NAMED: Final = 3
"""Servers that a warning names; the others are counted."""


def replaced_by(app: Ports, execution: Execution, asking: Asking) -> tuple[Notice, ...]:
    """Return which running instances of a RECOVERY a new one replaces, a warning for each wave; none of a drill.

    What DRS does not report in the time of `asking` is not warned of: no call waits for a warning.
    """
    if execution.mode is not Mode.RECOVERY:
        return ()
    servers = execution.servers_by_site()
    questions = list(
        questions_of_servers(DESCRIBE_INSTANCES, servers, app.brief_drs_at, lambda drs, ids: drs.instances(ids))
    )
    answers: list[Any] = asking.all(questions, to_the_end=False)
    running = {
        (question.site, instance.source_server_id): instance
        for question, answer in zip(questions, answers, strict=True)
        if not isinstance(answer, Trouble)
        for instance in answer
        if not instance.is_drill
    }
    return tuple(_notices(execution, running))


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
