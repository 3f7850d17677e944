"""What the control API sets of an instance, or of those of a server's next launches, in every service at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drs_simulator.drs.settings import RecordSettings
from drs_simulator.ssm.settings import MachineSettings

if TYPE_CHECKING:
    from drs_simulator.drs.model import Record, SourceServer
    from drs_simulator.ec2.model import Instance
    from drs_simulator.region import Region


class InstanceSettings(MachineSettings, RecordSettings):
    """How an instance answers commands, and what DRS and EC2 make of it; what is left out keeps its value."""

    def apply_to_server(self, region: Region, server: SourceServer) -> dict[str, Any]:
        """Change the instances that will be launched for a server, and the one that is there."""
        self.apply_to_record(server.record)
        if self.platform is not None:
            server.windows = self.platform == "Windows"
        view = self.apply_to_machine_to_be(region.systems_manager, server.source_server_id)
        instance = server.instance.now
        if instance:
            return self.apply_to_instance(region, instance.ec2)
        return {**view, **_record_view(server.record), "platform": _platform(windows=server.windows), "state": None}

    def apply_to_instance(self, region: Region, instance: Instance) -> dict[str, Any]:
        """Change one instance, whether DRS knows it or not."""
        known = region.fleet.instances.get(instance.instance_id)
        if known:
            self.apply_to_record(known.record)
        self.apply_to_ec2(region.ec2, instance)
        view = self.apply_to_machine(region.systems_manager, instance)
        record = _record_view(known.record) if known else {}
        state = instance.state.now.value.upper()
        return {**view, **record, "platform": _platform(windows=instance.windows), "state": state}


def _record_view(record: Record) -> dict[str, Any]:
    return {
        "terminable": record.terminable,
        "protected": record.protected,
        "failbackState": record.failback_state,
    }


def _platform(*, windows: bool) -> str:
    return "Windows" if windows else "Linux"
