"""Templates put back by the drill's own loop, as soon as their servers are LAUNCHED or no longer launched.

It is done beside the loop, in a thread for each account and Region: one that hangs holds up no hand-over.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol

from wavebreak.aws.clients import UnsupportedSiteError
from wavebreak.domain.executions.networking.needs import is_needed
from wavebreak.resilience.aws_errors import FAULTS
from wavebreak.resilience.threads import begin
from wavebreak.store import keys
from wavebreak.use_cases.networks.put_back import deadline, put_back

if TYPE_CHECKING:
    from concurrent.futures import Future

    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.site import Site
    from wavebreak.use_cases.networks.put_back import Ports as PutBackPorts

    class Ports(PutBackPorts, Protocol):
        """What following launches needs."""


logger = logging.getLogger(__name__)

_LIMIT: Final = "put_back"
_WAITED_SECONDS: Final = 1.0
"""How long a round waits for what it has put back; what takes longer goes on beside the next ones."""
_under_way: dict[tuple[str, Site], Future[None]] = {}
"""What has not ended yet, by execution and site, for as long as this environment lives."""


def follow(app: Ports, execution: Execution) -> None:
    """Put back what a drill does not need any more, as much as a round has time for; the sweep does the rest.

    Nothing is read of a drill without networks. A fault holds the drill up in nothing.
    """
    if not execution.networks:
        return
    try:
        listed = frozenset(app.templates.listed(app.now()))
    except FAULTS as error:
        _left_to_the_sweep(execution, error)
        return
    if listed:
        _begin(app, execution, listed)


def _left_to_the_sweep(execution: Execution, error: Exception) -> None:
    logger.warning("launch templates of %s are left to the sweep: %s", execution.execution_id, error)


def _begin(app: Ports, execution: Execution, listed: frozenset[str]) -> None:
    """Put back in each site what is no longer needed, unless an earlier round still does so there."""
    names: dict[Site, list[str]] = defaultdict(list)
    now = app.now()
    for wave in execution.waves:
        names[wave.site] += [
            server.source_server_id
            for server in wave.servers
            if keys.server(wave.site, server.source_server_id) in listed
            and not is_needed(execution, wave.number, server.source_server_id, now, app.timing)
        ]
    begun = []
    for site, servers in names.items():
        key = execution.execution_id, site
        if key in _under_way and _under_way[key].done():
            _under_way.pop(key).result()
        if servers and key not in _under_way:
            # Adapters are made in one thread: making several is not safe. What fails here `put_back` writes down.
            with suppress(*FAULTS, UnsupportedSiteError):
                app.templates_at(site)
            pool = ThreadPoolExecutor(1, thread_name_prefix="templates")
            _under_way[key] = begin(pool, _put_back, app, execution, site, servers)
            pool.shutdown(wait=False)
            begun.append(key)
    done, _ = wait([_under_way[key] for key in begun], timeout=_WAITED_SECONDS)
    for key in begun:
        if _under_way[key] in done:
            _under_way.pop(key).result()


def _put_back(app: Ports, execution: Execution, site: Site, servers: list[str]) -> None:
    """Put back what this execution changed for servers of a site."""
    limit = deadline(_LIMIT, execution=execution.execution_id)
    try:
        changes = app.templates.of(site, servers).values()
        # One of which no version is known yet shows late, if at all: the sweep looks for it.
        mine = [each for each in changes if each.execution_id == execution.execution_id and each.version is not None]
        put_back(app, mine, over=lambda: limit.over)
    except FAULTS as error:
        _left_to_the_sweep(execution, error)
