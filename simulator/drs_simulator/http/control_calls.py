"""What each control call does; each takes a request and gives a status with a document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drs_simulator.drs.model import PLAN_NAME
from drs_simulator.drs.quotas import Quotas
from drs_simulator.drs.recovery_plans import PlanSettings, plan_with_steps
from drs_simulator.drs.settings import ServerSettings
from drs_simulator.drs.views import server_view
from drs_simulator.ec2.settings import (
    GROUP_ID,
    INSTANCE_ID,
    INSTANCE_TYPE,
    SUBNET_ID,
    ExistingInstanceSettings,
    ImpossibleError,
    InstanceTypeSettings,
    SecurityGroupSettings,
    SubnetSettings,
)
from drs_simulator.faults import Fault
from drs_simulator.http.control_requests import ControlError
from drs_simulator.instance_settings import InstanceSettings
from drs_simulator.manners import Exact, Manners
from drs_simulator.settings import Settings
from drs_simulator.ssm.documents import NAME as NAME_OF_DOCUMENT
from drs_simulator.ssm.documents import Content, name_in
from drs_simulator.ssm.runbooks import AutomationSettings
from drs_simulator.ssm.settings import LookupSettings

if TYPE_CHECKING:
    from drs_simulator.http.control_requests import ControlRequest
    from drs_simulator.region import Region
    from drs_simulator.simulation import Simulation

    Outcome = tuple[int, Any]


class EventSettings(Settings):
    """Whether launch events are sent."""

    enabled: bool


class ControlCalls:
    """The control calls on a simulation; ``operations`` are the API operations that a fault may name."""

    def __init__(self, simulation: Simulation, operations: frozenset[str]) -> None:
        self._simulation = simulation
        self._operations = operations

    def health(self, _request: ControlRequest) -> Outcome:
        """Answer that the simulator is up."""
        return 200, {"status": "healthy"}

    def reset(self, _request: ControlRequest) -> Outcome:
        """Forget everything."""
        self._simulation.reset()
        return 200, {}

    def calls(self, _request: ControlRequest) -> Outcome:
        """Return every API call so far."""
        return 200, {"calls": self._simulation.journal.calls()}

    def state(self, _request: ControlRequest) -> Outcome:
        """Return all that exists."""
        return 200, self._simulation.state()

    def manners(self, _request: ControlRequest) -> Outcome:
        """Return the manners in force with their seed."""
        with self._simulation.lock:
            return 200, _manners_view(self._simulation.lens.manners)

    def put_manners(self, request: ControlRequest) -> Outcome:
        """Set the manners; a seed that is not given stays."""
        manners = request.read(Manners)
        with self._simulation.lock:
            if "seed" not in manners.model_fields_set:
                manners = manners.model_copy(update={"seed": self._simulation.lens.manners.seed})
            self._simulation.lens.use(manners)
        return 200, _manners_view(manners)

    def add_fault(self, request: ControlRequest) -> Outcome:
        """Make the next calls of an operation fail."""
        fault = request.read(Fault)
        if fault.operation not in self._operations:
            known = {"pointer": "/operation", "message": f"{fault.operation} is no operation of a simulated service"}
            raise ControlError(400, known["message"], [known])
        self._simulation.faults.add(fault)
        return 201, fault.model_dump(mode="json", by_alias=True, exclude_none=True)

    def clear_faults(self, _request: ControlRequest) -> Outcome:
        """Forget every fault."""
        self._simulation.faults.clear()
        return 204, None

    def put_source_server(self, request: ControlRequest) -> Outcome:
        """Add or change a source server."""
        request.must_be_named("s-[0-9a-zA-Z]{17}", "source server id")
        settings = request.read(ServerSettings)
        with self._simulation.lock:
            fleet = self._region(request).fleet
            created = request.name not in fleet.servers
            server = fleet.add_server(request.name) if created else fleet.servers[request.name]
            settings.apply(fleet, server)
            return 201 if created else 200, server_view(fleet, server, Exact(fleet.world.clock.now()))

    def put_instance(self, request: ControlRequest) -> Outcome:
        """Return how an instance is and answers, or those that a source server's launches will make."""
        settings = request.read(InstanceSettings)
        with self._simulation.lock:
            self._simulation.settle()
            for region in self._simulation.regions():
                instance = region.instance(request.name)
                if instance:
                    return 200, settings.apply_to_instance(region, instance)
                if request.name in region.fleet.servers:
                    return 200, settings.apply_to_server(region, region.fleet.servers[request.name])
        raise ControlError(404, f"There is no recovery instance and no source server {request.name}")

    def forget_record(self, request: ControlRequest) -> Outcome:
        """Make DRS forget an instance that runs on."""
        with self._simulation.lock:
            self._simulation.settle()
            now = self._simulation.clock.now()
            if any(region.disconnect(request.name, now) for region in self._simulation.regions()):
                return 204, None
        raise ControlError(404, f"DRS has no record of an instance {request.name}")

    def put_document(self, request: ControlRequest) -> Outcome:
        """Add a command document, or a version of it."""
        content = request.read(Content)
        request.must_be_named(NAME_OF_DOCUMENT, "name of a document")
        with self._simulation.lock:
            document, created = self._simulation.documents.put(request.name, content)
        return 201 if created else 200, {"name": request.name, "version": document.version}

    def put_automation(self, request: ControlRequest) -> Outcome:
        """Add a runbook, with the course of its executions."""
        settings = request.read(AutomationSettings)
        name = name_in(request.name)
        with self._simulation.lock:
            created = self._simulation.runbooks.put(name, settings)
        return 201 if created else 200, {"name": name, **settings.model_dump(mode="json", by_alias=True)}

    def put_commands(self, request: ControlRequest) -> Outcome:
        """Return how many lookups of a new invocation fail."""
        settings = request.read(LookupSettings)
        with self._simulation.lock:
            self._simulation.missing_lookups = settings.missing_lookups
        return 200, settings.model_dump(by_alias=True)

    def put_recovery_plan(self, request: ControlRequest) -> Outcome:
        """Add or replace a native Recovery Plan."""
        settings = request.read(PlanSettings)
        request.must_be_named(PLAN_NAME, "name of a Recovery Plan")
        with self._simulation.lock:
            fleet = self._region(request).fleet
            created = request.name not in fleet.recovery_plans
            return 201 if created else 200, plan_with_steps(fleet, settings.apply(fleet, request.name))

    def put_quotas(self, request: ControlRequest) -> Outcome:
        """Change the quotas."""
        quotas = request.read(Quotas)
        with self._simulation.lock:
            self._simulation.quotas = quotas
        return 200, quotas.model_dump(mode="json", by_alias=True)

    def put_events(self, request: ControlRequest) -> Outcome:
        """Send launch events, or drop them."""
        settings = request.read(EventSettings)
        with self._simulation.lock:
            self._simulation.events_enabled = settings.enabled
        return 200, {"enabled": settings.enabled}

    def put_subnet(self, request: ControlRequest) -> Outcome:
        """Add or change a subnet."""
        return self._put_in_ec2(request, SUBNET_ID, "id of a subnet", SubnetSettings)

    def delete_subnet(self, request: ControlRequest) -> Outcome:
        """Delete a subnet."""
        with self._simulation.lock:
            return _deleted(self._region(request).ec2.subnets, request.name)

    def put_security_group(self, request: ControlRequest) -> Outcome:
        """Add or change a security group."""
        return self._put_in_ec2(request, GROUP_ID, "id of a security group", SecurityGroupSettings)

    def delete_security_group(self, request: ControlRequest) -> Outcome:
        """Delete a security group."""
        with self._simulation.lock:
            return _deleted(self._region(request).ec2.groups, request.name)

    def put_instance_type(self, request: ControlRequest) -> Outcome:
        """Return how large an instance type is, and which zones offer it."""
        return self._put_in_ec2(request, INSTANCE_TYPE, "instance type", InstanceTypeSettings)

    def put_existing_instance(self, request: ControlRequest) -> Outcome:
        """Add an instance that the simulator has not launched."""
        return self._put_in_ec2(request, INSTANCE_ID, "id of an instance", ExistingInstanceSettings)

    def _put_in_ec2(
        self,
        request: ControlRequest,
        pattern: str,
        what: str,
        kind: type[SubnetSettings | SecurityGroupSettings | InstanceTypeSettings | ExistingInstanceSettings],
    ) -> Outcome:
        request.must_be_named(pattern, what)
        settings = request.read(kind)
        with self._simulation.lock:
            try:
                return 200, settings.apply(self._region(request).ec2, request.name)
            except ImpossibleError as error:
                raise ControlError(400, str(error)) from error

    def _region(self, request: ControlRequest) -> Region:
        self._simulation.settle()
        return self._simulation.region(request.account, request.region)


def _deleted(things: dict[str, Any], name: str) -> Outcome:
    if things.pop(name, None) is None:
        raise ControlError(404, f"There is no {name}")
    return 204, None


def _manners_view(manners: Manners) -> dict[str, Any]:
    return manners.in_force.model_dump(mode="json", by_alias=True) | {"strict": manners.strict}
