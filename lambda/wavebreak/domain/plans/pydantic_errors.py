"""What pydantic finds wrong, as pointers and messages that people can act on.

Pydantic leaves invalid items out before it counts a list, and so reports wrong lengths beside other errors. `Length`
counts what was given, and lets the items be judged as well.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema

from wavebreak.domain.commands.arguments import argument_fault
from wavebreak.harmless_text import fault_of_name
from wavebreak.json_pointers import DocumentFault, Location, json_pointer, quoted
from wavebreak.values import Value

FINISHED: Final = "document_problem"
"""Type of an error whose location and message are already what people shall read."""

_KEY_MARK: Final = "[key]"


def error_details(error: ValidationError) -> list[InitErrorDetails]:
    """Return the parts of a validation error, so that they can be raised again together with others."""
    return [
        finished(line["loc"], line["msg"], line["input"])
        if line["type"] == FINISHED
        else InitErrorDetails(type=line["type"], loc=line["loc"], input=line["input"], ctx=line.get("ctx", {}))
        for line in error.errors(include_url=False)
    ]


def finished(location: Location, message: str, value: object) -> InitErrorDetails:
    """Make an error whose location and message go to people as they are."""
    return InitErrorDetails(
        type=PydanticCustomError(FINISHED, "{message}", {"message": message}), loc=location, input=value
    )


class Length(Value):
    """How many items a list, or members an object, may have: an annotation that goes after the type."""

    least: int
    most: int

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Wrap the type's own validation."""
        return core_schema.no_info_wrap_validator_function(self._counted, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Show the limits in the JSON schema of the type."""
        shown = handler(schema)
        what = "Properties" if shown.get("type") == "object" else "Items"
        return shown | {f"min{what}": self.least, f"max{what}": self.most}

    def _counted(self, value: object, handler: core_schema.ValidatorFunctionWrapHandler) -> object:
        details: list[InitErrorDetails] = []
        result = None
        try:
            result = handler(value)
        except ValidationError as error:
            details = error_details(error)
        of_another_type = any(not detail.get("loc") for detail in details)
        if isinstance(value, (list, tuple, dict)) and not of_another_type:
            details = [*self._refusals(value), *details]
        if details:
            raise ValidationError.from_exception_data("length", details)
        return result

    def _refusals(self, value: list[Any] | tuple[Any, ...] | dict[Any, Any]) -> Iterable[InitErrorDetails]:
        facts = {"field_type": "list", "actual_length": len(value)}
        if len(value) < self.least:
            yield InitErrorDetails(type="too_short", input=value, ctx=facts | {"min_length": self.least})
        if len(value) > self.most:
            yield InitErrorDetails(type="too_long", input=value, ctx=facts | {"max_length": self.most})


def problems_of(
    errors: ValidationError | Iterable[Mapping[str, Any]], prefix: Location = ()
) -> tuple[DocumentFault, ...]:
    """Turn pydantic's errors into problems, in their order.

    `errors` is the exception or its `errors()`, also as Powertools' RequestValidationError lists them; `prefix` is cut
    off the front of each location that has it (`("body",)` for Powertools' bodies). Text that is no JSON is a problem
    of the whole document.
    """
    listed = errors.errors(include_url=False) if isinstance(errors, ValidationError) else errors
    return tuple(_problem(error, prefix) for error in listed)


def _problem(error: Mapping[str, Any], prefix: Location) -> DocumentFault:
    location: Location = tuple(error["loc"])
    if location[: len(prefix)] == prefix:
        location = location[len(prefix) :]
    if error["type"] == FINISHED:
        return DocumentFault(json_pointer(location), error["msg"])
    if error["type"] == "json_invalid":
        return DocumentFault("", message_of(error))
    if location[-1:] == (_KEY_MARK,) and error["type"] != "extra_forbidden":
        location = location[:-1]
    return DocumentFault(json_pointer(location), message_of(error))


def without_key_mark(location: Location, document: object) -> Location:
    """Cut pydantic's mark of a refused key off a location, unless the document has a member of that very name."""
    if location[-1:] != (_KEY_MARK,):
        return location
    value = document
    for part in location[:-1]:
        value = _member(value, part)
    return location if isinstance(value, dict) and _KEY_MARK in value else location[:-1]


def position_in(document: object) -> Callable[[Location], tuple[tuple[int, str], ...]]:
    """Make a sort key that puts locations in the order of the document, what it lacks after what it has."""
    orders: dict[int, dict[Any, int]] = {}

    def position(location: Location) -> tuple[tuple[int, str], ...]:
        value, key = document, []
        for part in location:
            if isinstance(value, dict):
                if id(value) not in orders:
                    orders[id(value)] = {name: index for index, name in enumerate(value)}
                key.append((orders[id(value)].get(part, len(value)), str(part)))
            else:
                key.append((part if isinstance(part, int) else 0, str(part)))
            value = _member(value, part)
        return tuple(key)

    return position


def _member(value: Any, part: int | str) -> Any:
    """Return a member of a value of the document; None where pydantic misses something."""
    try:
        return value[part]
    except (KeyError, IndexError, TypeError):
        return None


def message_of(error: Mapping[str, Any]) -> str:
    """Return what is wrong in our words, naming the value; an error we have no words for keeps pydantic's."""
    wording = _WORDINGS.get(error["type"])
    return wording(error, error.get("ctx", {})) if wording else str(error["msg"])


_Wording: TypeAlias = Callable[[Mapping[str, Any], Mapping[str, Any]], str]


def _must_be(what: str) -> _Wording:
    return lambda error, _: f"must be {what}, not {quoted(error['input'])}"


def _string(error: Mapping[str, Any], _ctx: Mapping[str, Any]) -> str:
    """Return the message for a value that is no string; for a number or a word of YAML, with the remedy."""
    bare = isinstance(error["input"], (bool, int, float))
    return f"must be a string, not {quoted(error['input'])}" + (": write it in quotes" if bare else "")


def _count(noun: str, limit: str, bound: str) -> _Wording:
    def wording(error: Mapping[str, Any], ctx: Mapping[str, Any]) -> str:
        plural = "" if ctx[limit] == 1 else "s"
        return f"must have {bound} {ctx[limit]} {noun}{plural}, not {len(error['input'])}"

    return wording


def _one_of(error: Mapping[str, Any], ctx: Mapping[str, Any]) -> str:
    return f"must be {ctx['expected'].replace(chr(39), '')}, not {quoted(error['input'])}"


_WORDINGS: Final[Mapping[str, _Wording]] = {
    "json_invalid": lambda _, ctx: f"is no JSON: {ctx['error']}",
    "missing": lambda _, __: "is required",
    "extra_forbidden": lambda error, _: f"unknown field {quoted(error['loc'][-1])}",
    "invalid_key": lambda error, _: f"names of fields must be strings, not {quoted(error['input'])}",
    "string_type": _string,
    "string_unicode": lambda _, __: "must be valid Unicode",
    "int_type": _must_be("a whole number"),
    "int_parsing": _must_be("a whole number"),
    "int_parsing_size": _must_be("a whole number"),
    "int_from_float": _must_be("a whole number"),
    "bool_type": _must_be("true or false"),
    "tuple_type": _must_be("a list"),
    "list_type": _must_be("a list"),
    "dict_type": _must_be("an object"),
    "model_type": _must_be("an object"),
    "model_attributes_type": _must_be("an object"),
    "enum": _one_of,
    "literal_error": _one_of,
    "string_pattern_mismatch": lambda error, ctx: f"{quoted(error['input'])} does not match {ctx['pattern']}",
    "string_too_short": _count("character", "min_length", "at least"),
    "string_too_long": _count("character", "max_length", "at most"),
    "too_short": _count("item", "min_length", "at least"),
    "too_long": _count("item", "max_length", "at most"),
    "greater_than_equal": lambda error, ctx: f"must be at least {ctx['ge']}, not {quoted(error['input'])}",
    "less_than_equal": lambda error, ctx: f"must be at most {ctx['le']}, not {quoted(error['input'])}",
}


def forwardable(argument: str) -> str:
    """Return an argument if it may be forwarded: a validator for pydantic models, which know its other limits."""
    return _faultless(argument, argument_fault(argument))


def named(name: str) -> str:
    """Return a name if people can read all that it holds (contract 3): a validator as well."""
    return _faultless(name, "must not be blank" if name.isspace() else fault_of_name(name))


def described(description: str) -> str:
    """Return a description if people can read all that it holds, which may be nothing: a validator as well."""
    return _faultless(description, fault_of_name(description))


def _faultless(value: str, fault: str | None) -> str:
    if fault is not None:
        raise PydanticCustomError(FINISHED, "{message}", {"message": fault})
    return value
