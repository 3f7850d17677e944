"""The rest-json protocol, read from the botocore service model: which operation, which parameters, which answer."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from botocore.loaders import Loader
from botocore.model import ListShape, OperationModel, ServiceModel, StructureShape

from drs_simulator.errors import ApiError, HttpFailure, ModelMismatch, validation_error
from drs_simulator.shapes import ShapeChecker

if TYPE_CHECKING:
    from collections.abc import Mapping

JSON_TYPE = "application/json"


@dataclass(frozen=True)
class Request:
    """One HTTP request: ``target`` is the path with its query, as sent; header names are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """One HTTP answer."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Route:
    method: str
    pattern: re.Pattern[str]
    operation: OperationModel


class RestJsonWire:
    """Reads requests and writes answers of one rest-json service, both checked against its model."""

    def __init__(self, service: str) -> None:
        # botocore's own models only: the answers must not depend on what somebody keeps in ~/.aws/models.
        loader = Loader([Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)
        self._model = ServiceModel(loader.load_service_model(service, "service-2"), service)
        self._errors = {shape.name: shape for shape in self._model.error_shapes if isinstance(shape, StructureShape)}
        self._checker = ShapeChecker()
        self._routes = [self._route(name) for name in self._model.operation_names]
        self.operation_names = frozenset(self._model.operation_names)

    def _route(self, name: str) -> _Route:
        operation = self._model.operation_model(name)
        path = re.escape(operation.http["requestUri"].split("?")[0])
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", path)
        return _Route(operation.http["method"], re.compile(pattern), operation)

    def operation(self, method: str, target: str) -> OperationModel:
        """Find the operation that a method and path mean; raises ApiError for a path the service does not have."""
        path = urlsplit(target).path
        for route in self._routes:
            if route.method == method and route.pattern.fullmatch(path):
                return route.operation
        raise ApiError("UnknownOperationException", f"{method} {path} is no operation of this service", status=404)

    def read(self, operation: OperationModel, request: Request) -> dict[str, Any]:
        """Gather the parameters from path, query and body, unchecked; raises ApiError for a body that is no JSON."""
        url = urlsplit(request.target)
        parameters = _read_body(request.body)
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

    def check(self, operation: OperationModel, parameters: dict[str, Any]) -> None:
        """Refuse parameters that the model forbids with a ValidationException that lists every violation."""
        shape = operation.input_shape
        problems = self._checker.check(shape, parameters) if shape else [(name, "unknown") for name in parameters]
        if problems:
            raise validation_error(problems)

    def write(self, operation: OperationModel, result: dict[str, Any]) -> Answer:
        """Write the answer of a call; raises ModelMismatch if the model forbids it."""
        shape = operation.output_shape
        self._must_fit(operation.name, shape, result)
        status = operation.http.get("responseCode", 200)
        body = _dump(result) if shape and shape.members else b""
        return Answer(status, body, {"Content-Type": JSON_TYPE} if body else {})

    def write_error(self, error: ApiError) -> Answer:
        """Write a refusal: a modelled error with its own HTTP status and members, another with the given status."""
        if isinstance(error, HttpFailure):
            return Answer(error.status, _dump({"message": error.message}), {"Content-Type": JSON_TYPE})
        shape = self._errors.get(error.code)
        fields: dict[str, Any] = {"message": error.message, **error.members}
        headers = {"Content-Type": JSON_TYPE, "x-amzn-ErrorType": error.code}
        if shape is None:
            return Answer(error.status, _dump(fields), headers)
        self._must_fit(error.code, shape, fields)
        for name, member in shape.members.items():
            if member.serialization.get("location") == "header" and name in fields:
                headers[member.serialization["name"]] = str(fields.pop(name))
        return Answer(shape.metadata["error"]["httpStatusCode"], _dump(fields), headers)

    def _must_fit(self, what: str, shape: StructureShape | None, value: dict[str, Any]) -> None:
        if shape is None:
            problems = [(name, "the model has no output") for name in value]
        else:
            problems = self._checker.check(shape, value)
        if problems:
            raise ModelMismatch(f"answer of {what}: {problems}")


@cache
def wire_of(service: str) -> RestJsonWire:
    """Return the wire of a service; parsed once in a process, since loading a model takes tens of milliseconds."""
    return RestJsonWire(service)


def _members(shape: Any) -> Mapping[str, Any]:
    return shape.members if isinstance(shape, StructureShape) else {}


def _read_body(body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    try:
        document = json.loads(body)
    except ValueError as error:
        raise ApiError("ValidationException", f"The request is no JSON: {error}", reason="cannotParse") from error
    if not isinstance(document, dict):
        raise ApiError("ValidationException", "The request is no JSON object", reason="cannotParse")
    return document


def _dump(document: Any) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
