"""Keeps drills off servers that were recovered for good: a launch ends the earlier instance of its server."""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING

from wavebreak.aws.clients import UnsupportedPlace
from wavebreak.aws.parallel_reads import Asking, Question
from wavebreak.domain.drs import Trouble
from wavebreak.domain.executions.model import Mode
from wavebreak.domain.readiness.checks import in_the_way_of_a_drill
from wavebreak.problems import ServerBusy, Unavailable
from wavebreak.store import keys

if TYPE_CHECKING:
    from wavebreak.app import App
    from wavebreak.domain.drs import Instance
    from wavebreak.domain.executions.model import Execution
    from wavebreak.site import Place
from wavebreak.aws.drs import DESCRIBE_INSTANCES, in_batches


def spare_recoveries(app: App, execution: Execution) -> None:
    """Refuse a drill that would end an instance which a RECOVERY launched; a recovery itself is never held up.

    Raises ServerBusy naming server, instance and, where it is ours, execution. While DRS does not tell what runs, a
    drill is not worth the risk: Unavailable.
    """
    if execution.mode is not Mode.DRILL:
        return
    servers: dict[Place, list[str]] = defaultdict(list)
    for wave in execution.waves:
        servers[wave.place] += [server.source_server_id for server in wave.servers]
    try:
        adapters = {place: app.brief_drs_at(place) for place in servers}
    except UnsupportedPlace as error:
        raise Unavailable(f"A drill needs to look at DRS before it starts: {error}") from error
    questions = [
        Question(DESCRIBE_INSTANCES, partial(adapters[place].instances, batch), place)
        for place, ids in servers.items()
        for batch in in_batches(ids)
    ]
    for answer in Asking().all(questions):
        if isinstance(answer, Trouble):
            raise Unavailable(
                "A drill ends the earlier instances of its servers, and DRS does not tell whether a recovery launched "
                f"them ({answer.operation}: {answer.reason}); it was not started"
            )
        recovered = in_the_way_of_a_drill(answer)
        if recovered is not None:
            raise _busy(app, recovered)


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
