"""What a start would end: a launch ends the earlier instance of its server.

Drills are kept off servers that were recovered for good. A recovery is never held up, and says what it replaces.
"""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from wavebreak.aws.clients import UnsupportedPlace
from wavebreak.aws.drs import DESCRIBE_INSTANCES, in_batches
from wavebreak.aws.parallel_reads import Asking, Question
from wavebreak.domain.drs import Trouble
from wavebreak.domain.executions.model import Mode, Notice, NoticeCode
from wavebreak.domain.readiness.checks import in_the_way_of_a_drill
from wavebreak.problems import ServerBusy, Unavailable
from wavebreak.store import keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wavebreak.app import App
    from wavebreak.domain.drs import Instance
    from wavebreak.domain.executions.model import Execution
    from wavebreak.site import Place

_NAMED: Final = 3
"""Servers that a warning names; the others are counted."""


def spare_recoveries(app: App, execution: Execution) -> None:
    """Refuse a drill that would end an instance which a RECOVERY launched; a recovery itself is never held up.

    Raises ServerBusy naming server, instance and, where it is ours, execution. While DRS does not tell what runs, a
    drill is not worth the risk: Unavailable.
    """
    if execution.mode is not Mode.DRILL:
        return
    places = _servers_by_place(execution)
    try:
        questions = [question for place in places for question in _questions(app, place, places[place])]
    except UnsupportedPlace as error:
        raise Unavailable(f"A drill needs to look at DRS before it starts: {error}") from error
    for answer in Asking().all(questions):
        if isinstance(answer, Trouble):
            raise Unavailable(
                "A drill ends the earlier instances of its servers, and DRS does not tell whether a recovery launched "
                f"them ({answer.operation}: {answer.reason}); it was not started"
            )
        recovered = in_the_way_of_a_drill(answer)
        if recovered is not None:
            raise _busy(app, recovered)


def replaced_by(app: App, execution: Execution, asking: Asking) -> tuple[Notice, ...]:
    """Tell which running instances of a RECOVERY a new one replaces, a warning for each wave; none of a drill.

    What DRS does not tell in the time that `asking` has is not warned of: nobody waits for a warning.
    """
    if execution.mode is not Mode.RECOVERY:
        return ()
    questions: list[Question] = []
    for place, servers in _servers_by_place(execution).items():
        try:
            questions += _questions(app, place, servers)
        except UnsupportedPlace:
            continue
    answers: list[Any] = asking.all(questions, to_the_end=False)
    running = {
        (question.place, instance.source_server_id): instance
        for question, answer in zip(questions, answers, strict=True)
        if not isinstance(answer, Trouble)
        for instance in answer
        if not instance.is_drill
    }
    return tuple(_replacing(execution, running))


def _replacing(execution: Execution, running: Mapping[Any, Instance]) -> Iterable[Notice]:
    for wave in execution.waves:
        found = [
            (server.source_server_id, instance.recovery_instance_id)
            for server in wave.servers
            if (instance := running.get((wave.place, server.source_server_id))) is not None
        ]
        if found:
            named = ", ".join(f"{server} ({instance})" for server, instance in found[:_NAMED])
            more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
            message = f"Replaces {len(found)} running instance(s) that a recovery launched: {named}{more}"
            yield Notice(NoticeCode.REPLACES_RUNNING, message, wave.number)


def _servers_by_place(execution: Execution) -> dict[Place, list[str]]:
    servers: dict[Place, list[str]] = defaultdict(list)
    for wave in execution.waves:
        servers[wave.place] += [server.source_server_id for server in wave.servers]
    return servers


def _questions(app: App, place: Place, servers: list[str]) -> list[Question]:
    """Ask a place for the instances of servers; raises UnsupportedPlace."""
    drs = app.brief_drs_at(place)
    return [Question(DESCRIBE_INSTANCES, partial(drs.instances, batch), place) for batch in in_batches(servers)]


def _busy(app: App, instance: Instance) -> ServerBusy:
    server, identifier = instance.source_server_id, instance.recovery_instance_id
    item = app.executions.job_item(instance.job_id) if instance.job_id else None
    execution_id = keys.execution_id_of(item[0]) if item else None
    launcher = execution_id or "a recovery outside of Wavebreak"
    return ServerBusy(
        f"Server {server} runs as {identifier}, launched by {launcher}: a drill would end that instance",
        sourceServerId=server,
        recoveryInstanceId=identifier,
        executionId=execution_id,
    )
