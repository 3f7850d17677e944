"""Templates put back by the drill's own loop, as soon as their servers are LAUNCHED or no longer launched."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from wavebreak.domain.executions.networking.needs import is_needed
from wavebreak.resilience.aws_errors import FAULTS
from wavebreak.store import keys
from wavebreak.use_cases.networks.put_back import deadline, put_back

if TYPE_CHECKING:
    from wavebreak.app import App
    from wavebreak.domain.executions.model.executions import Execution

logger = logging.getLogger(__name__)

_LIMIT: Final = "put_back"


def follow(app: App, execution: Execution) -> None:
    """Put back what a drill does not need any more, as much as a round has time for; the sweep does the rest.

    Nothing is read of a drill without networks. A fault holds the drill up in nothing.
    """
    if not execution.networks:
        return
    try:
        listed = frozenset(app.templates.listed(app.now()))
        if listed:
            _put_back(app, execution, listed)
    except FAULTS as error:
        logger.warning("launch templates of %s are left to the sweep: %s", execution.execution_id, error)


def _put_back(app: App, execution: Execution, listed: frozenset[str]) -> None:
    limit = deadline(_LIMIT, execution=execution.execution_id)
    now = app.now()
    for wave in execution.waves:
        names = [
            server.source_server_id
            for server in wave.servers
            if keys.server(wave.site, server.source_server_id) in listed
            and not is_needed(execution, wave.number, server.source_server_id, now, app.timing)
        ]
        if not names or limit.over:
            continue
        changes = app.templates.of(wave.site, names).values()
        # One of which no version is known yet shows late, if at all: the sweep looks for it.
        mine = [each for each in changes if each.execution_id == execution.execution_id and each.version is not None]
        put_back(app, mine, over=lambda: limit.over)
