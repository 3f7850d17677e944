"""Launch configurations of many source servers of one account and Region: DRS gives one a call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wavebreak.aws.few_at_once import each_of
from wavebreak.domain.launch_templates.model import GET_LAUNCH_CONFIGURATION
from wavebreak.domain.launch_templates.reading import launch_configuration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from mypy_boto3_drs.client import DrsClient

    from wavebreak.domain.drs import Trouble
    from wavebreak.domain.launch_templates.model import LaunchConfiguration


def launch_configurations(
    client: DrsClient, source_server_ids: Iterable[str], *, over: Callable[[], bool] = lambda: False
) -> Mapping[str, LaunchConfiguration | Trouble]:
    """Read launch configurations by source server, or the Trouble with each; none is begun once `over` says so."""
    return each_of(
        GET_LAUNCH_CONFIGURATION,
        source_server_ids,
        lambda server: launch_configuration(client.get_launch_configuration(sourceServerID=server), server),
        over=over,
    )
