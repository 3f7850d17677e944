"""What people call the servers of an execution, asked of DRS once, when it starts, and frozen with it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from wavebreak.aws.clients import UnsupportedSiteError
from wavebreak.aws.drs import in_batches
from wavebreak.aws.parallel_reads import Question
from wavebreak.domain.drs import Trouble
from wavebreak.use_cases.resolve_selectors import DESCRIBE_SERVERS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wavebreak.app import App
    from wavebreak.aws.parallel_reads import Asking
    from wavebreak.domain.executions.model import Execution, Server
    from wavebreak.site import Site


def named(app: App, execution: Execution, asking: Asking) -> Execution:
    """Give an execution whose servers have their names.

    What DRS does not tell in the time that `asking` has stays without one: a recovery waits for no name.
    """
    questions = list(_questions(app, execution))
    answers: list[Any] = asking.all(questions, to_the_end=False)
    names = {
        (question.site, server.source_server_id): server.name
        for question, answer in zip(questions, answers, strict=True)
        if not isinstance(answer, Trouble)
        for server in answer.values()
    }

    def known(site: Site, server: Server) -> Server:
        return replace(server, name=names.get((site, server.source_server_id)))

    return execution.with_waves([wave.with_servers(partial(known, wave.site)) for wave in execution.waves])


def _questions(app: App, execution: Execution) -> Iterable[Question]:
    servers: dict[Site, list[str]] = defaultdict(list)
    for wave in execution.waves:
        servers[wave.site] += [server.source_server_id for server in wave.servers]
    for site, ids in servers.items():
        try:
            drs = app.brief_drs_at(site)
        except UnsupportedSiteError:
            continue
        for batch in in_batches(ids):
            yield Question(DESCRIBE_SERVERS, partial(drs.source_servers, batch), site)
