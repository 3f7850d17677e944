"""The emulator of the local stack: MiniStack, cured of one gap that the command machine would fall into.

MiniStack takes the arguments of a Distributed Map's ItemReader as they are written; Step Functions evaluates JSONata in
them, as in the arguments of a Task. Run as a program of its own, in place of `python -m ministack`: it needs nothing
else of this project, and nothing of it gets into the environment of the functions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ministack import app  # type: ignore[import-untyped]  # the package ships no types
from ministack.services import stepfunctions  # type: ignore[import-untyped]  # likewise

if TYPE_CHECKING:
    from collections.abc import Mapping


def evaluate_item_readers() -> None:
    """Have the emulator evaluate JSONata in the arguments of an ItemReader before it reads."""
    read = stepfunctions._read_map_items  # noqa: SLF001  the emulator offers no other way in

    def evaluated(reader: Mapping[str, Any], given: Any, context: Any) -> Any:
        arguments = stepfunctions._apply_jsonata_template(reader.get("Arguments"), given, context)  # noqa: SLF001
        return read({**reader, "Arguments": arguments}, given, context)

    stepfunctions._read_map_items = evaluated  # noqa: SLF001


if __name__ == "__main__":
    evaluate_item_readers()
    app.main()
