"""Messages as HTML mail: one column, inline styles, nothing loaded from anywhere, every text escaped.

Mail programs know little CSS: the page is tables, the styles are on the elements. What a program knows of the one style
sheet, it uses for dark mode; without it the mail is light.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from wavebreak.domain.status_colors import DARK, LIGHT, MONO, SANS

if TYPE_CHECKING:
    from wavebreak.domain.notifications.message import Message, WaveLine

_INK: Final = "#1f2328"
_QUIET: Final = "#59636e"
_LINE: Final = "#e3e7eb"

_DARK: Final = (
    ".page{background:#0d1117!important}.card{background:#161b22!important;border-color:#30363d!important}"
    ".ink{color:#e6edf3!important}.quiet{color:#9198a1!important}.line{border-color:#30363d!important}"
    ".code{background:#0d1117!important;border-color:#30363d!important;color:#e6edf3!important}"
) + "".join(f".{name}{{background:{tone.ground}!important;color:{tone.ink}!important}}" for name, tone in DARK.items())
_STYLES: Final = (
    ":root{color-scheme:light dark;supported-color-schemes:light dark}"
    f"@media (prefers-color-scheme:dark){{{_DARK}}}"
    "@media (max-width:480px){.pad{padding-left:20px!important;padding-right:20px!important}}"
)


def html_of(message: Message) -> str:
    """Write a message as a whole HTML document."""
    parts = [_band(message), _opening(message), _facts(message)]
    if message.waves:
        parts.append(_waves(message))
    if message.block:
        parts.append(_block(message.block))
    if message.steps:
        parts.append(_steps(message))
    rows = "\n".join(parts)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(message.subject)}</title>
<style>{_STYLES}</style>
</head>
<body class="page" style="margin:0;padding:0;background:#f3f5f7;-webkit-text-size-adjust:100%">
<div style="display:none;max-height:0;overflow:hidden">{escape(message.summary or message.sentence)}</div>
<table role="presentation" class="page" width="100%" cellpadding="0" cellspacing="0" style="background:#f3f5f7">
<tr><td align="center" style="padding:24px 12px">
<table role="presentation" class="card" width="100%" cellpadding="0" cellspacing="0" style="max-width:600px;\
background:#ffffff;border:1px solid {_LINE};border-radius:12px;border-collapse:separate;overflow:hidden;\
text-align:left">
{rows}
</table>
<p class="quiet" style="margin:16px 0 0;font:12px/18px {SANS};color:{_QUIET}">{_footer(message)}</p>
</td></tr>
</table>
</body>
</html>
"""


def _footer(message: Message) -> str:
    sequence = message.attributes.get("sequence")
    return "Sent by Wavebreak" + (f" &middot; event {escape(sequence)} of its audit trail" if sequence else "")


def _row(content: str, style: str = "") -> str:
    return f'<tr><td class="pad" style="padding:20px 32px 0;{style}">{content}</td></tr>'


def _band(message: Message) -> str:
    presentation, tone = message.presentation, LIGHT[message.presentation.color]
    about = next((value for label, value in message.facts if label in {"Plan", "Command", "Alarm"}), "")
    return (
        f'<tr><td class="pad" bgcolor="{tone.band}" style="padding:24px 32px;background:{tone.band}">'
        f'<div style="font:600 13px/18px {SANS};color:#ffffff;opacity:.9;overflow-wrap:anywhere">{escape(about)}</div>'
        f'<div style="font:700 24px/32px {SANS};color:#ffffff;padding-top:4px">'
        f"{escape(presentation.emoji)}&nbsp; {escape(presentation.title)}</div></td></tr>"
    )


def _opening(message: Message) -> str:
    sentence = (
        f'<p class="ink" style="margin:0;font:16px/24px {SANS};color:{_INK};overflow-wrap:anywhere">'
        f"{escape(message.sentence)}</p>"
    )
    if not message.summary:
        return _row(sentence, "padding-top:24px;")
    counts = "".join(
        f'<span class="{color}" style="display:inline-block;margin:0 8px 8px 0;padding:4px 12px;border-radius:999px;'
        f'background:{LIGHT[color].ground};color:{LIGHT[color].ink};font:600 13px/20px {SANS}">{escape(part)}</span>'
        for part, color in ((part, _color_of_count(part)) for part in message.summary.split(" | "))
    )
    return _row(f'<div style="padding-bottom:8px">{counts}</div>{sentence}', "padding-top:24px;")


def _color_of_count(part: str) -> str:
    return {"✓": "green", "✗": "red"}.get(part[:1], "gray")


def _facts(message: Message) -> str:
    rows = "".join(
        f'<tr><td class="quiet line" valign="top" style="padding:8px 16px 8px 0;border-top:1px solid {_LINE};'
        f'font:13px/20px {SANS};color:{_QUIET};white-space:nowrap">{escape(label)}</td>'
        f'<td class="ink line" width="100%" style="padding:8px 0;border-top:1px solid {_LINE};font:14px/20px '
        f"{MONO if label in {'Execution', 'Command run'} else SANS};color:{_INK};overflow-wrap:anywhere;"
        f'word-break:break-word">{escape(value)}</td></tr>'
        for label, value in message.facts
    )
    return _row(f'<table role="presentation" width="100%" cellpadding="0" cellspacing="0">{rows}</table>')


def _heading(text: str) -> str:
    return f'<div class="ink" style="font:600 14px/20px {SANS};color:{_INK};padding-bottom:8px">{escape(text)}</div>'


def _waves(message: Message) -> str:
    rows = "".join(_wave(wave) for wave in message.waves)
    if message.more_waves:
        rows += (
            f'<tr><td colspan="2" class="quiet line" style="padding:8px 0;border-top:1px solid {_LINE};'
            f'font:13px/20px {SANS};color:{_QUIET}">and {message.more_waves} more</td></tr>'
        )
    table = f'<table role="presentation" width="100%" cellpadding="0" cellspacing="0">{rows}</table>'
    return _row(_heading("Waves") + table)


def _wave(wave: WaveLine) -> str:
    tone, color = LIGHT[wave.badge["color"]], wave.badge["color"]
    note = (
        f'<div class="quiet" style="font:13px/18px {SANS};color:{_QUIET};padding-top:2px">{escape(wave.note)}</div>'
        if wave.note
        else ""
    )
    return (
        f'<tr><td class="ink line" width="100%" style="padding:8px 12px 8px 0;border-top:1px solid {_LINE};'
        f'font:14px/20px {SANS};color:{_INK};overflow-wrap:anywhere;word-break:break-word">'
        f'<span class="quiet" style="color:{_QUIET}">{wave.number}</span>&ensp;{escape(wave.name)}{note}</td>'
        f'<td class="line" align="right" valign="top" style="padding:8px 0;border-top:1px solid {_LINE};'
        f'white-space:nowrap"><span class="{color}" style="display:inline-block;padding:2px 10px;border-radius:999px;'
        f'background:{tone.ground};color:{tone.ink};font:600 12px/18px {SANS}">'
        f"{escape(wave.badge['icon'])} {escape(wave.badge['label'])}</span></td></tr>"
    )


def _block(text: str) -> str:
    return _row(
        f'<pre class="code" style="margin:0;padding:12px;border:1px solid {_LINE};border-radius:8px;background:#f6f8fa;'
        f'color:{_INK};font:12px/18px {MONO};white-space:pre-wrap;overflow-wrap:anywhere">{escape(text)}</pre>'
    )


def _steps(message: Message) -> str:
    steps = "".join(
        f'<div class="quiet" style="font:13px/18px {SANS};color:{_QUIET};padding-bottom:4px">'
        f"{escape(step.purpose.capitalize())}</div>"
        f'<div class="code" style="margin:0 0 12px;padding:10px 12px;border:1px solid {_LINE};border-radius:8px;'
        f'background:#f6f8fa;color:{_INK};font:13px/20px {MONO};overflow-wrap:anywhere">{escape(step.command)}</div>'
        for step in message.steps
    )
    return _row(_heading("What can be done next") + steps, "padding-bottom:20px;")
