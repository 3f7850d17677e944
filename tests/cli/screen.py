"""A terminal's screen, as far as this command uses one: text, colours, and going up to draw again."""

from __future__ import annotations

import re

from rich.cells import cell_len

_CODE = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])|\x1b\]8;[^\x1b\x07]*(?:\x1b\\|\x07)|(\r)|(\n)")


class Screen:
    """Takes what a program writes and shows what stands there; lines that went off the top are kept, too."""

    def __init__(self, width: int, height: int) -> None:
        """Begin with an empty screen of so many cells."""
        self.width, self.height = width, height
        self.rows: list[str] = [""]
        self._row = 0
        self._column = 0

    def write(self, text: str) -> None:
        """Take what was written. A code that is not known here fails: nothing is guessed."""
        at = 0
        for found in _CODE.finditer(text):
            self._put(text[at : found.start()])
            at = found.end()
            if found[3]:
                self._column = 0
            elif found[4]:
                self._row, self._column = self._row + 1, 0
                self._grow()
            elif found[2]:
                self._obey(found[1], found[2])
        self._put(text[at:])

    def _obey(self, argument: str, code: str) -> None:
        match code:
            case "A":
                assert self._row - int(argument or 1) >= len(self.rows) - self.height, "a line that has scrolled away"
                self._row = max(0, self._row - int(argument or 1))
            case "K":
                assert argument == "2", argument
                self.rows[self._row], self._column = "", 0
            case "m" | "h" | "l":
                return
            case _:
                raise AssertionError(f"what is ESC[{argument}{code}?")

    def _put(self, text: str) -> None:
        assert "\x1b" not in text, repr(text)
        if not text:
            return
        row = self.rows[self._row].ljust(self._column)
        self.rows[self._row] = row[: self._column] + text + row[self._column + len(text) :]
        self._column += len(text)

    def _grow(self) -> None:
        while len(self.rows) <= self._row:
            self.rows.append("")

    @property
    def shown(self) -> list[str]:
        """The lines that stand on the screen now, without blanks at their ends."""
        return [row.rstrip() for row in self.rows[-self.height :]]

    @property
    def too_wide(self) -> list[str]:
        """Lines that the terminal would break."""
        return [row for row in self.rows if cell_len(row.rstrip()) > self.width]
