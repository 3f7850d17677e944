"""The protocol of EC2: a form with dotted names in, XML out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4
from xml.sax.saxutils import escape

from botocore.model import ListShape, StructureShape

from drs_simulator.errors import ApiError, HttpError
from drs_simulator.wire.base import Wire
from drs_simulator.wire.messages import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.model import OperationModel, ServiceModel, Shape

    from drs_simulator.wire.messages import Request

    Tree = dict[str, Any]

_XML_TYPE = "text/xml;charset=UTF-8"
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
# XML has no way to write these.
_UNWRITABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DEEPEST = 32
# How values are written, by the type of their shape, and what reads them.
_READERS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "boolean": ("(?i)true|false", lambda text: text.lower() == "true"),
    "integer": ("-?[0-9]{1,18}", int),
    "long": ("-?[0-9]{1,18}", int),
    "double": (r"-?[0-9]{1,18}(\.[0-9]{1,18})?", float),
    "float": (r"-?[0-9]{1,18}(\.[0-9]{1,18})?", float),
}


class Ec2QueryWire(Wire):
    """The wire of EC2."""

    timestamps = "iso8601"

    def __init__(self, model: ServiceModel) -> None:
        super().__init__(model)
        self._namespace = f"{model.metadata['xmlNamespace']}/"

    def operation(self, request: Request) -> OperationModel:
        """Return the operation by the parameter Action; raise ApiError for another service's or an unknown one."""
        name = dict(_form(request)).get("Action", "")
        if request.method != "POST" or urlsplit(request.target).path != "/" or name not in self.operation_names:
            raise ApiError("InvalidAction", f"The action {name} is not valid for this web service.")
        return self._model.operation_model(name)

    def read(self, operation: OperationModel, request: Request) -> dict[str, Any]:
        """Gather the parameters from the form, unchecked; what the model does not name keeps its name."""
        tree: Tree = {}
        for name, value in _form(request):
            if name not in {"Action", "Version"}:
                _plant(tree, name.split("."), value)
        shape = operation.input_shape
        return _structure(shape, tree) if isinstance(shape, StructureShape) else tree

    def _refusal(self, problems: list[tuple[str, str]]) -> ApiError:
        name, message = problems[0]
        if "must not be null" in message:
            return ApiError("MissingParameter", f"The request must contain the parameter {name}")
        if message.startswith("Unknown parameter"):
            return ApiError("UnknownParameter", f"The parameter {name} is not recognized")
        return ApiError("InvalidParameterValue", message)

    def _written(self, operation: OperationModel, result: dict[str, Any]) -> Answer:
        shape = operation.output_shape
        inside = _members_xml(shape, result) if isinstance(shape, StructureShape) else ""
        name = f"{operation.name}Response"
        text = f'<{name} xmlns="{self._namespace}"><requestId>{uuid4()}</requestId>{inside}</{name}>'
        return Answer(200, (_HEAD + text).encode(), {"Content-Type": _XML_TYPE})

    def write_error(self, error: ApiError) -> Answer:
        """Write a refusal as XML; a bare HTTP status has no body that could be read."""
        if isinstance(error, HttpError):
            return Answer(error.status)
        return super().write_error(error)

    def _written_error(self, error: ApiError, shape: StructureShape | None, members: dict[str, Any]) -> Answer:
        del shape, members
        one = f"<Error><Code>{error.code}</Code><Message>{_text(error.message)}</Message></Error>"
        text = f"<Response><Errors>{one}</Errors><RequestID>{uuid4()}</RequestID></Response>"
        return Answer(error.status, (_HEAD + text).encode(), {"Content-Type": _XML_TYPE})


def _form(request: Request) -> list[tuple[str, str]]:
    try:
        return parse_qsl(request.body.decode(), keep_blank_values=True, max_num_fields=20_000)
    except ValueError as error:
        raise ApiError("InvalidRequest", f"The request is no form: {error}") from error


def _plant(tree: Tree, path: list[str], value: str) -> None:
    if len(path) > _DEEPEST:
        raise ApiError("InvalidParameterValue", "The request is nested too deep")
    for step in path[:-1]:
        branch = tree.setdefault(step, {})
        if not isinstance(branch, dict):
            raise ApiError("InvalidParameterCombination", f"The parameter {'.'.join(path)} is given twice")
        tree = branch
    tree[path[-1]] = value


def _structure(shape: StructureShape, tree: Tree) -> dict[str, Any]:
    names = {_query_name(name, member): name for name, member in shape.members.items()}
    return {
        names.get(key, key): _value(shape.members[names[key]], value) if key in names else value
        for key, value in tree.items()
    }


def _query_name(name: str, member: Shape) -> str:
    own = member.serialization.get("queryName")
    if own:
        return str(own)
    wire_name = str(member.serialization.get("name", name))
    return wire_name[0].upper() + wire_name[1:]


def _value(shape: Shape, value: Any) -> Any:
    """Read a value by its shape; what does not fit stays text, which the check then refuses."""
    match shape:
        case StructureShape() if isinstance(value, dict):
            return _structure(shape, value)
        case ListShape() if isinstance(value, dict):
            if not all(key.isdecimal() for key in value):
                return value
            return [_value(shape.member, value[key]) for key in sorted(value, key=int)]
    if isinstance(value, str) and shape.type_name in _READERS:
        pattern, read = _READERS[shape.type_name]
        return read(value) if re.fullmatch(pattern, value) else value
    return value


def _members_xml(shape: StructureShape, value: dict[str, Any]) -> str:
    return "".join(
        _xml(shape.members[name], shape.members[name].serialization.get("name", name), member)
        for name, member in value.items()
        if member is not None
    )


def _xml(shape: Shape, name: str, value: Any) -> str:
    match shape:
        case StructureShape():
            inside = _members_xml(shape, value)
        case ListShape():
            item = shape.member.serialization.get("name", "item")
            inside = "".join(_xml(shape.member, item, each) for each in value)
        case _:
            inside = ("true" if value else "false") if isinstance(value, bool) else _text(str(value))
    return f"<{name}>{inside}</{name}>"


def _text(text: str) -> str:
    return escape(_UNWRITABLE.sub("\ufffd", text))
