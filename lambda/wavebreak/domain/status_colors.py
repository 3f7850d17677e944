"""The colours of statuses in everything that is drawn as HTML: mails, reports.

Named as `execution_utils.Display` names them. Contrasts of text on its ground are at least 4.5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

SANS: Final = "-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
MONO: Final = "ui-monospace,SFMono-Regular,Menlo,Consolas,'Liberation Mono',monospace"


class Tone(NamedTuple):
    """A status colour: filling a band, as text, and as the pale ground of that text."""

    band: str
    ink: str
    ground: str


LIGHT: Final[Mapping[str, Tone]] = {
    "green": Tone("#1a7f37", "#116329", "#e6f6ea"),
    "orange": Tone("#b35900", "#8a4600", "#fff2e0"),
    "red": Tone("#c4232c", "#a40e26", "#ffebe9"),
    "blue": Tone("#0860ca", "#0550ae", "#e4f1ff"),
    "gray": Tone("#59636e", "#424a53", "#eff2f5"),
}
DARK: Final[Mapping[str, Tone]] = {
    "green": Tone("#3fb968", "#7ee2a0", "#12361f"),
    "orange": Tone("#e08a2c", "#ffb86b", "#3d2708"),
    "red": Tone("#f0626a", "#ff9d97", "#42181c"),
    "blue": Tone("#5aa2f7", "#8cc2ff", "#0f2a4a"),
    "gray": Tone("#8b949e", "#b7bec7", "#272d35"),
}
