"""The emulator of the local stack: MiniStack, cured of two gaps that the state machines would fall into.

MiniStack takes the arguments of a Distributed Map's ItemReader as they are written; Step Functions evaluates JSONata in
them, as in the arguments of a Task. And it waits for every function that a Task invokes; with the InvocationType Event
Step Functions hands the event over and goes on. Run as a program of its own, in place of `python -m ministack`: it
needs nothing else of this project, and nothing of it gets into the environment of the functions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ministack import app  # type: ignore[import-untyped]  # the package ships no types
from ministack.services import lambda_svc, stepfunctions  # type: ignore[import-untyped]  # no types either

if TYPE_CHECKING:
    from collections.abc import Mapping


def evaluate_item_readers() -> None:
    """Make the emulator evaluate JSONata in the arguments of an ItemReader before it reads."""
    read = stepfunctions._read_map_items  # noqa: SLF001  the emulator offers no other way in

    def evaluated(reader: Mapping[str, Any], given: Any, context: Any) -> Any:
        arguments = stepfunctions._apply_jsonata_template(reader.get("Arguments"), given, context)  # noqa: SLF001
        return read({**reader, "Arguments": arguments}, given, context)

    stepfunctions._read_map_items = evaluated  # noqa: SLF001


def hand_events_over() -> None:
    """Make the emulator invoke a function as Lambda does an asynchronous one, where a Task says so."""
    invoke = stepfunctions._invoke_resource  # noqa: SLF001  the emulator offers no other way in

    def invoked(resource: str, arguments: Any) -> Any:
        if "states:::lambda:invoke" not in resource or arguments.get("InvocationType") != "Event":
            return invoke(resource, arguments)
        reference = stepfunctions._resolve_lambda_function_ref(arguments["FunctionName"], optimized=True)  # noqa: SLF001
        function, config, _name = lambda_svc._get_func_record_for_ref(reference)  # noqa: SLF001
        record = lambda_svc._execution_record_for_config(function, config)  # noqa: SLF001
        lambda_svc.invoke_async_with_retry(record, arguments["Payload"])
        return {"StatusCode": 202, "Payload": ""}

    stepfunctions._invoke_resource = invoked  # noqa: SLF001


if __name__ == "__main__":
    evaluate_item_readers()
    hand_events_over()
    app.main()
