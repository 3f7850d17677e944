"""How many addresses of a drill's subnets are reserved for servers that have not launched yet."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Protocol

from wavebreak.domain.launch_templates.changes import Stage
from wavebreak.use_cases.networks.put_back import Owners

if TYPE_CHECKING:
    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.domain.launch_templates.changes import TemplateChange
    from wavebreak.site import Site
    from wavebreak.use_cases.networks.put_back import Ports as PutBackPorts

    class Ports(PutBackPorts, Protocol):
        """What counting what is led to subnets needs."""


def addresses_in_use(app: Ports, execution: Execution, site: Site) -> Counter[str]:
    """Count, by subnet, the addresses for servers of a site whose templates are changed and whose drills launch them.

    Those of the execution itself are read as they are, those of others as an index shows them.
    """
    owners = Owners(app)
    led = Counter[str]()
    for change in _open(app, execution, site):
        if change.stage is not Stage.PUTTING_BACK and owners.need(change):
            led[change.subnet_id] += change.addresses
    return led


def _open(app: Ports, execution: Execution, site: Site) -> list[TemplateChange]:
    own = [server.source_server_id for wave in execution.waves if wave.site == site for server in wave.servers]
    changes = {each.token: each for each in app.templates.of(site, own).values()}
    changes |= {each.token: each for each in app.templates.all(app.now()) if each.site == site}
    return list(changes.values())
