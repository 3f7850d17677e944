"""What every wire does alike: parameters and answers checked against the shapes of a service model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from botocore.model import StructureShape

from drs_simulator.errors import HttpError, InjectedError, ModelMismatchError
from drs_simulator.wire.messages import JSON_TYPE, Answer, dump
from drs_simulator.wire.shapes import ShapeChecker

if TYPE_CHECKING:
    from botocore.model import OperationModel, ServiceModel

    from drs_simulator.errors import ApiError
    from drs_simulator.wire.messages import Request


class Wire(ABC):
    """Reads requests and writes answers of one service, both checked against its model.

    ``service`` is botocore's name of it, ``signing_name`` the one in the credential scope of a signature.
    ``timestamps`` is how its protocol writes moments unless a shape says otherwise.
    """

    timestamps = "unixTimestamp"

    def __init__(self, model: ServiceModel) -> None:
        self._model = model
        self._errors = {shape.name: shape for shape in model.error_shapes if isinstance(shape, StructureShape)}
        self._checker = ShapeChecker(self.timestamps)
        self.service: str = model.service_name
        self.signing_name: str = model.signing_name
        self.operation_names = frozenset(model.operation_names)

    @abstractmethod
    def operation(self, request: Request) -> OperationModel:
        """Return the operation of a request; raise ApiError for one that the service does not have."""

    @abstractmethod
    def read(self, operation: OperationModel, request: Request) -> dict[str, Any]:
        """Gather the parameters, unchecked; raise ApiError for a body that cannot be parsed."""

    @abstractmethod
    def _refusal(self, problems: list[tuple[str, str]]) -> ApiError:
        """Build the ValidationException for ``(field, what is wrong)`` pairs."""

    @abstractmethod
    def _written(self, operation: OperationModel, result: dict[str, Any]) -> Answer:
        """Write an answer that fits the model."""

    @abstractmethod
    def _written_error(self, error: ApiError, shape: StructureShape | None, members: dict[str, Any]) -> Answer:
        """Write a refusal with a code; ``shape`` is the model's, None for a code that it does not know."""

    def check(self, operation: OperationModel, parameters: dict[str, Any]) -> None:
        """Refuse parameters that the model forbids with a ValidationException that lists every violation."""
        shape = operation.input_shape
        problems = self._checker.check(shape, parameters) if shape else [(name, "unknown") for name in parameters]
        if problems:
            raise self._refusal(problems)

    def write(self, operation: OperationModel, result: dict[str, Any]) -> Answer:
        """Write the answer of a call; raise ModelMismatchError if the model forbids it."""
        self._must_fit(operation.name, operation.output_shape, result)
        return self._written(operation, result)

    def write_error(self, error: ApiError) -> Answer:
        """Write a refusal: a modelled error with its own HTTP status and members, another with the given status."""
        if isinstance(error, HttpError):
            return Answer(error.status, dump({"message": error.message}), {"Content-Type": JSON_TYPE})
        shape = self._errors.get(error.code)
        members = error.members
        if isinstance(error, InjectedError) and shape:
            members = _members_of_injected(error, shape)
        return self._written_error(error, shape, members)

    def _must_fit(self, what: str, shape: StructureShape | None, value: dict[str, Any]) -> None:
        if shape is None:
            problems = [(name, "the model has no output") for name in value]
        else:
            problems = self._checker.check(shape, value)
        if problems:
            raise ModelMismatchError(f"answer of {what}: {problems}")


def _members_of_injected(error: InjectedError, shape: StructureShape) -> dict[str, Any]:
    """Return the error members that a fault sets, and its message for the others that the model requires."""
    wanted = dict.fromkeys(shape.required_members, error.message)
    return wanted | {name: value for name, value in error.members.items() if name in shape.members}
