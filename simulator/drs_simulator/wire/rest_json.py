"""The rest-json protocol: the operation is in method and path, parameters are in path, query and body."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from botocore.model import ListShape, StructureShape

from drs_simulator.errors import ApiError, validation_error
from drs_simulator.wire.base import Wire
from drs_simulator.wire.messages import JSON_TYPE, Answer, dump, parse_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.model import OperationModel, ServiceModel

    from drs_simulator.wire.messages import Request


@dataclass(frozen=True)
class _Route:
    method: str
    pattern: re.Pattern[str]
    operation: OperationModel


class RestJsonWire(Wire):
    """The wire of DRS."""

    def __init__(self, model: ServiceModel) -> None:
        super().__init__(model)
        self._routes = [self._route(name) for name in model.operation_names]

    def _route(self, name: str) -> _Route:
        operation = self._model.operation_model(name)
        path = re.escape(operation.http["requestUri"].split("?")[0])
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", path)
        return _Route(operation.http["method"], re.compile(pattern), operation)

    def operation(self, request: Request) -> OperationModel:
        """Return the operation by method and path; raise ApiError for a path the service does not have."""
        path = urlsplit(request.target).path
        for route in self._routes:
            if route.method == request.method and route.pattern.fullmatch(path):
                return route.operation
        raise ApiError(
            "UnknownOperationException", f"{request.method} {path} is no operation of this service", status=404
        )

    def read(self, operation: OperationModel, request: Request) -> dict[str, Any]:
        """Gather the parameters from path, query and body, unchecked; raise ApiError for a body that is no JSON."""
        url = urlsplit(request.target)
        try:
            parameters = parse_object(request.body)
        except ValueError as error:
            raise ApiError("ValidationException", str(error), reason="cannotParse") from error
        found = next(route.pattern.fullmatch(url.path) for route in self._routes if route.operation is operation)
        query = parse_qs(url.query, keep_blank_values=True)
        for name, member in _members(operation.input_shape).items():
            location = member.serialization.get("location")
            wire_name = member.serialization.get("name", name)
            if location == "uri" and found:
                parameters[name] = unquote(found[wire_name])
            elif location == "querystring" and wire_name in query:
                parameters[name] = query[wire_name] if isinstance(member, ListShape) else query[wire_name][0]
        return parameters

    def _refusal(self, problems: list[tuple[str, str]]) -> ApiError:
        return validation_error(problems)

    def _written(self, operation: OperationModel, result: dict[str, Any]) -> Answer:
        shape = operation.output_shape
        status = operation.http.get("responseCode", 200)
        body = dump(result) if shape and shape.members else b""
        return Answer(status, body, {"Content-Type": JSON_TYPE} if body else {})

    def _written_error(self, error: ApiError, shape: StructureShape | None, members: dict[str, Any]) -> Answer:
        fields: dict[str, Any] = {"message": error.message, **members}
        headers = {"Content-Type": JSON_TYPE, "x-amzn-ErrorType": error.code}
        if shape is None:
            return Answer(error.status, dump(fields), headers)
        self._must_fit(error.code, shape, fields)
        for name, member in shape.members.items():
            if member.serialization.get("location") == "header" and name in fields:
                headers[member.serialization["name"]] = str(fields.pop(name))
        return Answer(shape.metadata["error"]["httpStatusCode"], dump(fields), headers)


def _members(shape: Any) -> Mapping[str, Any]:
    return shape.members if isinstance(shape, StructureShape) else {}
