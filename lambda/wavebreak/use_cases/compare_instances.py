"""Compares an execution that is taken up again with what DRS shows: others may have launched its servers meanwhile.

A launch ends the earlier instance of its server, so that a command would go to an instance that is no more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from wavebreak.aws.parallel_reads import Asking, questions_of_servers
from wavebreak.domain.drs import DESCRIBE_INSTANCES, Trouble
from wavebreak.domain.executions.observing.instances import is_launched

if TYPE_CHECKING:
    from wavebreak.domain.drs import Instance
    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.ports.capabilities import HasBriefDrs
    from wavebreak.site import Site

    class Ports(HasBriefDrs, Protocol):
        """What comparing instances needs."""


def instances_shown(app: Ports, execution: Execution) -> list[Instance]:
    """Return what DRS shows of the servers that an execution launched, in one call of each site (up to 200 servers).

    What DRS does not report in the time for reads is left out: taking an execution up waits for no silent Region.
    """
    launched: dict[Site, list[str]] = {}
    for wave in execution.waves:
        for server in wave.servers:
            if is_launched(server):
                launched.setdefault(wave.site, []).append(server.source_server_id)
    questions = list(
        questions_of_servers(
            DESCRIBE_INSTANCES,
            launched,
            app.brief_drs_at,
            lambda drs, ids: drs.every_instance(ids),
        )
    )
    answers: list[Any] = Asking().all(questions, to_the_end=False)
    return [instance for answer in answers if not isinstance(answer, Trouble) for instance in answer]
