"""The names of an execution's servers, read from DRS once, when it starts, and frozen with it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from wavebreak.aws.parallel_reads import questions_of_servers
from wavebreak.domain.drs import DESCRIBE_SERVERS, Trouble
from wavebreak.values import replace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wavebreak.aws.parallel_reads import Asking
    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.domain.executions.model.servers import Server
    from wavebreak.ports.capabilities import HasBriefDrs
    from wavebreak.site import Site

    class Ports(HasBriefDrs, Protocol):
        """What naming servers needs."""


def named(app: Ports, execution: Execution, asking: Asking) -> Execution:
    """Return an execution with the names of its servers.

    A server whose name DRS does not report in that time stays without one: a recovery does not wait for names.
    """
    names = names_at(app, execution.servers_by_site(), asking, to_the_end=False)

    def known(site: Site, server: Server) -> Server:
        return replace(server, name=names.get((site, server.source_server_id)))

    return execution.with_waves([wave.with_servers(partial(known, wave.site)) for wave in execution.waves])


def names_at(
    app: Ports, servers: Mapping[Site, Sequence[str]], asking: Asking, *, to_the_end: bool
) -> dict[tuple[Any, str], str | None]:
    """Ask what people call servers, by site and server; what DRS does not report is left out."""
    questions = list(
        questions_of_servers(
            DESCRIBE_SERVERS,
            servers,
            app.brief_drs_at,
            lambda drs, ids: drs.source_servers(ids).values(),
        )
    )
    answers: list[Any] = asking.all(questions, to_the_end=to_the_end)
    return {
        (question.site, server.source_server_id): server.name
        for question, answer in zip(questions, answers, strict=True)
        if not isinstance(answer, Trouble)
        for server in answer
    }
