"""API calls answered: who calls what, which fault strikes, what the operation says, and a line in the journal."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from drs_simulator.credentials import caller_of
from drs_simulator.drs import operations as drs
from drs_simulator.drs import service_quotas
from drs_simulator.ec2 import operations as ec2
from drs_simulator.errors import ApiError, ConnectionDroppedError
from drs_simulator.faults import When
from drs_simulator.ssm import operations as ssm
from drs_simulator.wire.protocols import wire_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from botocore.model import OperationModel

    from drs_simulator.credentials import Caller
    from drs_simulator.faults import Fault
    from drs_simulator.journal import Call
    from drs_simulator.region import Region
    from drs_simulator.simulation import Simulation
    from drs_simulator.wire.base import Wire
    from drs_simulator.wire.messages import Answer, Request

_NOT_IMPLEMENTED = 501


@dataclass(frozen=True)
class Service:
    """A simulated service: its operations, and the part of a Region that they work on."""

    operations: Mapping[str, Callable[[Any, dict[str, Any]], dict[str, Any]]]
    part: Callable[[Region], Any]


# By botocore's names.
SERVICES: Final = {
    "drs": Service(drs.OPERATIONS, attrgetter("fleet")),
    "ec2": Service(ec2.OPERATIONS, attrgetter("ec2")),
    "service-quotas": Service(service_quotas.OPERATIONS, attrgetter("fleet")),
    "ssm": Service(ssm.OPERATIONS, attrgetter("systems_manager")),
}


class Services:
    """Answers the API calls of every simulated service.

    ``account_of`` reports the account of an access key that does not name it; ``sleep`` is how a delayed answer waits.
    """

    def __init__(
        self, simulation: Simulation, account_of: Callable[[str], str | None], sleep: Callable[[float], object]
    ) -> None:
        self._simulation = simulation
        self._account_of = account_of
        self._sleep = sleep
        # By the service in the SigV4 credential scope.
        self._wires = {wire.signing_name: wire for wire in map(wire_of, SERVICES)}

    def operation_names(self) -> frozenset[str]:
        """Return every operation name that the simulated services' models have."""
        return frozenset[str]().union(*(wire.operation_names for wire in self._wires.values()))

    def answer(self, request: Request) -> Answer:
        """Answer one API call, with a request id; raise ConnectionDroppedError when a fault wants no answer."""
        answer = self._route(request)
        answer.headers["x-amzn-RequestId"] = str(uuid4())
        return answer

    def _route(self, request: Request) -> Answer:
        wire = self._wires["drs"]
        try:
            caller = caller_of(request.headers.get("authorization", ""), self._account_of)
            if caller.service not in self._wires:
                raise _not_implemented(f"the service {caller.service}")
            wire = self._wires[caller.service]
            operation = wire.operation(request)
        except ApiError as error:
            return wire.write_error(error)
        return self._perform(wire, operation, caller, request)

    def _perform(self, wire: Wire, operation: OperationModel, caller: Caller, request: Request) -> Answer:
        call = self._simulation.journal.enter(operation.name, caller, self._simulation.clock, len(request.body))
        try:
            call.parameters = wire.read(operation, request)
            fault = self._fault(operation.name, caller, call.parameters)
            self._strike(fault, When.BEFORE)
            answer = self._outcome(wire, operation, caller, call)
            self._strike(fault, When.AFTER)
        except ApiError as error:
            return self._refused(wire, call, error)
        except ConnectionDroppedError:
            call.error = ConnectionDroppedError.__name__
            raise
        return answer

    def _outcome(self, wire: Wire, operation: OperationModel, caller: Caller, call: Call) -> Answer:
        """Answer as if no fault struck afterwards: a refusal can be lost on its way just as a result can."""
        try:
            if operation.name not in SERVICES[wire.service].operations:
                raise _not_implemented(operation.name)
            wire.check(operation, call.parameters)
            result = self._call(SERVICES[wire.service], operation.name, caller, call.parameters)
            return wire.write(operation, self._simulation.lens.pruned(operation.output_shape, result))
        except ApiError as error:
            return self._refused(wire, call, error)

    def _refused(self, wire: Wire, call: Call, error: ApiError) -> Answer:
        call.error = error.code
        error.members = self._simulation.lens.refusal(error.code, error.members)
        return wire.write_error(error)

    def _fault(self, operation: str, caller: Caller, parameters: dict[str, Any]) -> Fault | None:
        if not self._simulation.faults.any:
            return None
        with self._simulation.lock:
            named = self._simulation.region(caller.account, caller.region).names(parameters)
        return self._simulation.faults.take(operation, caller, named)

    def _strike(self, fault: Fault | None, when: When) -> None:
        if fault and fault.when is when:
            fault.strike(self._sleep)

    def _call(self, service: Service, name: str, caller: Caller, parameters: dict[str, Any]) -> dict[str, Any]:
        with self._simulation.lock:
            self._simulation.settle()
            part = service.part(self._simulation.region(caller.account, caller.region))
            result = service.operations[name](part, parameters)
            self._simulation.settle()
        return result


def _not_implemented(what: str) -> ApiError:
    return ApiError("NotImplemented", f"The simulator does not implement {what}", status=_NOT_IMPLEMENTED)
