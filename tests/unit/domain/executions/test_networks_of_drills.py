"""Contract 13, Networks: a drill keeps its plan's networks as they were at its start; a RECOVERY has none."""

from __future__ import annotations

from typing import Any

from tests.support.execution_builders import execution, wave

from wavebreak.domain.executions.model.executions import Mode
from wavebreak.domain.executions.networking.start import networks_of
from wavebreak.domain.launch_templates.model import DrillNetwork
from wavebreak.site import Site
from wavebreak.store.records.executions import meta_record, read_execution
from wavebreak.values import replace

OWN = Site("111111111111", "us-east-1")
WRITTEN: dict[str, Any] = {
    "drill": {
        "networks": [
            {"subnetIds": ["subnet-1"], "securityGroupIds": ["sg-1"], "region": "us-east-1"},
            {"subnetIds": ["subnet-2", "subnet-3"], "securityGroupIds": ["sg-2"], "accountId": "222222222222"},
        ]
    }
}
NETWORKS = (
    DrillNetwork(Site(), ("subnet-1",), ("sg-1",)),
    DrillNetwork(Site("222222222222"), ("subnet-2", "subnet-3"), ("sg-2",)),
)


def test_13_networks_are_a_drills_alone_and_those_of_the_stacks_own_place_name_none() -> None:
    assert networks_of(Mode.DRILL, WRITTEN, OWN) == NETWORKS
    assert networks_of(Mode.RECOVERY, WRITTEN, OWN) == ()
    assert networks_of(Mode.DRILL, {}, OWN) == ()


def test_13_networks_are_read_back_as_they_were_written_down() -> None:
    known = execution(wave(1))
    assert "networks" not in meta_record(known)
    drill = replace(known, networks=NETWORKS, waves=())
    read = read_execution([meta_record(drill)])
    assert read is not None
    assert read.networks == NETWORKS
