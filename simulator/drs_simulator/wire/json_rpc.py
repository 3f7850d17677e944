"""The awsJson protocols (1.0 and 1.1): everything is a POST to ``/``, and ``X-Amz-Target`` names the operation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from drs_simulator.errors import ApiError, validation_message
from drs_simulator.wire.base import Wire
from drs_simulator.wire.messages import Answer, dump, parse_object

if TYPE_CHECKING:
    from botocore.model import OperationModel, ServiceModel, StructureShape

    from drs_simulator.wire.messages import Request

_CLIENT_FAULT, _SERVER_FAULT = 400, 500
# These models do not report whose fault an error is; the API references of the services answer 500 to these.
_SERVER_ERRORS = frozenset({"InternalServerError", "ServiceException"})


class JsonRpcWire(Wire):
    """The wire of the services whose model says ``json``, Service Quotas among them."""

    def __init__(self, model: ServiceModel) -> None:
        super().__init__(model)
        self._prefix = f"{model.metadata['targetPrefix']}."
        self._content_type = f"application/x-amz-json-{model.metadata['jsonVersion']}"

    def operation(self, request: Request) -> OperationModel:
        """Return the operation by its target header; raise ApiError for another service's or an unknown one."""
        target = request.headers.get("x-amz-target", "")
        name = target.removeprefix(self._prefix)
        is_call = request.method == "POST" and urlsplit(request.target).path == "/" and name != target
        if is_call and name in self.operation_names:
            return self._model.operation_model(name)
        what = f"{request.method} {request.target} with the target {target!r}"
        raise ApiError("UnknownOperationException", f"{what} is no operation of this service")

    def read(self, operation: OperationModel, request: Request) -> dict[str, Any]:  # noqa: ARG002 - all have one place
        """Read the body, which is all there is; raise ApiError for one that is no JSON object."""
        try:
            return parse_object(request.body)
        except ValueError as error:
            raise ApiError("SerializationException", str(error)) from error

    def _refusal(self, problems: list[tuple[str, str]]) -> ApiError:
        return ApiError("ValidationException", validation_message(problems))

    def _written(self, operation: OperationModel, result: dict[str, Any]) -> Answer:  # noqa: ARG002 - always 200
        return Answer(200, dump(result), {"Content-Type": self._content_type})

    def _written_error(self, error: ApiError, shape: StructureShape | None, members: dict[str, Any]) -> Answer:
        """Write the code as ``__type``; the message has the name that the model gives it, if it has one at all."""
        if shape is None:
            return self._error_answer(error.status, error.code, {"message": error.message})
        messages = {name: error.message for name in shape.members if name.lower() == "message"}
        fields = {**messages, **members}
        self._must_fit(error.code, shape, fields)
        return self._error_answer(_status(shape), error.code, fields)

    def _error_answer(self, status: int, code: str, fields: dict[str, Any]) -> Answer:
        return Answer(status, dump({"__type": code, **fields}), {"Content-Type": self._content_type})


def _status(shape: StructureShape) -> int:
    fallback = _SERVER_FAULT if shape.metadata.get("fault") or shape.name in _SERVER_ERRORS else _CLIENT_FAULT
    status: int = shape.metadata.get("error", {}).get("httpStatusCode", fallback)
    return status
