"""The style of a report's page: calm, one colour for each status, light and dark, on paper and on a phone.

One sheet and no style on any element, so that the page can forbid everything but this sheet by its hash. `TIMELINE` is
what the timeline alone needs.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Final

from wavebreak.domain.evidence.page_tables import COLUMNS
from wavebreak.domain.status_colors import DARK, LIGHT, MONO, SANS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wavebreak.domain.status_colors import Tone


def _variables(tones: Mapping[str, Tone], **others: str) -> str:
    named = "".join(
        f"--{name}:{tone.band};--{name}-ink:{tone.ink};--{name}-bg:{tone.ground};" for name, tone in tones.items()
    )
    return named + "".join(f"--{name}:{value};" for name, value in others.items())


_LIGHT: Final = _variables(
    LIGHT,
    page="#ffffff",
    ink="#1f2328",
    quiet="#59636e",
    line="#d8dee4",
    soft="#f6f8fa",
    p1="#c3d0de",
    p2="#8ba6c2",
    p3="#4b759f",
    p4="#27496b",
)
_DARK: Final = _variables(
    DARK,
    page="#0d1117",
    ink="#e6edf3",
    quiet="#9198a1",
    line="#30363d",
    soft="#161b22",
    p1="#35475a",
    p2="#4f6f8f",
    p3="#7ba3c9",
    p4="#b5d0ea",
)

_TONED: Final = "".join(
    f".tl .fill-{name}{{fill:var(--{name})}}.tl .ink-{name}{{fill:var(--{name}-ink)}}" for name in LIGHT
)
TIMELINE: Final = (
    f".tl{{display:block;overflow:hidden;font:12px {SANS};fill:var(--ink);print-color-adjust:exact}}"
    ".tl .grid{stroke:var(--line);stroke-width:1}.tl .tick{fill:var(--quiet);font-size:11px}"
    ".tl .goal{stroke:var(--orange);stroke-width:1.5;stroke-dasharray:4 3}"
    ".tl .goal-word{fill:var(--orange-ink);font-size:11px}"
    ".tl .name{font-weight:600}.tl .host{font-size:11px;fill:var(--quiet)}"
    ".tl .p1{fill:var(--p1)}.tl .p2{fill:var(--p2)}.tl .p3{fill:var(--p3)}.tl .p4{fill:var(--p4)}"
    ".tl .open{opacity:.55}.tl .faint{fill:var(--gray);opacity:.3}"
    ".tl .ok{fill:var(--green)}.tl .bad{fill:var(--red)}"
    ".tl .ask{fill:none;stroke:var(--orange);stroke-width:1.5;stroke-dasharray:3 3}"
    f"{_TONED}"
    ".legend{display:flex;flex-wrap:wrap;gap:4px 16px;margin:0 0 12px;padding:0;list-style:none;font-size:13px;"
    "color:var(--quiet)}.key{display:inline-block;width:14px;height:10px;margin-right:6px;border-radius:2px}"
    ".key.p1{background:var(--p1)}.key.p2{background:var(--p2)}.key.p3{background:var(--p3)}.key.p4{background:var(--p4)}"
    ".key.ok{background:var(--green);width:4px}.key.bad{background:var(--red);width:4px}"
    ".key.ask{border:1.5px dashed var(--orange)}"
)

_BADGES: Final = "".join(
    f".badge.{name}{{color:var(--{name}-ink);background:var(--{name}-bg)}}.c-{name}{{color:var(--{name}-ink)}}"
    f".card.{name}{{border-top-color:var(--{name})}}"
    for name in LIGHT
)
_CARDS: Final = "".join(
    f'.t-{kind} td:nth-child({position})::before{{content:"{name}"}}'
    for kind, names in COLUMNS.items()
    for position, name in enumerate(names, start=1)
)
_COMPACT: Final = (
    ".t-servers tr{display:grid;grid-template-columns:1fr auto;gap:0 12px;padding:5px 0;"
    "font-size:12px;line-height:16px}"
    ".t-servers td{padding:0;min-height:0;min-width:0}.t-servers td:first-child div{display:inline;margin-right:6px}"
    ".t-servers td:nth-child(-n+3)::before{content:none}.t-servers td:nth-child(5){grid-column:1/-1}"
    ".t-servers td:nth-child(n+4)::before{position:static;width:auto;font-size:12px;line-height:16px}"
    '.t-servers td:nth-child(4)::before{content:"point "}.t-servers td:nth-child(5)::before{content:none}'
    ".t-servers .badge{font-size:11px;line-height:15px;padding:0 7px}"
)
"""On a phone a server has three short lines: a report of hundreds is scrolled through, not wandered through."""
_SMALL: Final = (
    "@media screen and (max-width:700px){"
    "main{padding:20px 16px 40px}h1{font-size:24px}"
    ".t thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}"
    ".t,.t tbody,.t tr,.t td{display:block}"
    ".t tr{padding:10px 0;border-bottom:1px solid var(--line)}"
    ".t td{position:relative;border:0;padding:3px 0 3px 118px;min-height:20px}"
    ".t td::before{position:absolute;left:0;width:108px;color:var(--quiet);font-size:12px;line-height:20px}"
    ".t td:empty{display:none}"
    f"{_CARDS}{_COMPACT}}}"
)
_WIDE: Final = (
    "@media print,(min-width:700.02px){"
    ".t-servers td:nth-child(1){width:20%}.t-servers td:nth-child(2){width:13%}.t-servers td:nth-child(3){width:17%}"
    ".t-servers td:nth-child(4){width:14%}.t-left td:nth-child(3){max-width:560px}"
    ".t-left td:nth-child(1),.t-idle td:nth-child(1){min-width:110px}.t-idle td:nth-child(3){width:24%}"
    ".t-waves td:nth-child(n+3),.t-trail td:nth-child(-n+2){white-space:nowrap}"
    ".t-trail td:nth-child(4){max-width:230px}"
    "}"
)
_PAPER: Final = (
    "@page{size:A4;margin:14mm 13mm 16mm}"
    "@media print{main{max-width:none;padding:0}body{font-size:9.5pt}h1{font-size:20pt}h2{break-before:auto}"
    ".t{font-size:8.5pt;line-height:1.4}.t td{padding:3px 10px 3px 0}"
    ".t tbody tr:first-child{break-before:avoid}thead{break-after:avoid}"
    ".cards{grid-template-columns:repeat(4,1fr)}a{color:inherit;text-decoration:none}"
    ".badge,.card,.key{print-color-adjust:exact}.skip{display:none}}"
)
STYLE: Final = (
    f":root{{color-scheme:light dark;{_LIGHT}}}"
    f"@media screen and (prefers-color-scheme:dark){{:root{{{_DARK}}}}}"
    "*{box-sizing:border-box}"
    f"body{{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 {SANS};"
    "font-variant-numeric:tabular-nums;overflow-wrap:anywhere;-webkit-text-size-adjust:100%}"
    "main{max-width:1120px;margin:0 auto;padding:40px 32px 64px}"
    "h1{margin:0;font-size:30px;line-height:1.2;font-weight:650;letter-spacing:-.01em}"
    "h1.long{font-size:18px;line-height:1.4}"
    "h2{margin:44px 0 12px;padding-bottom:6px;border-bottom:1px solid var(--line);font-size:19px;line-height:1.3;"
    "font-weight:650;break-after:avoid}"
    "h3{margin:28px 0 8px;font-size:15px;line-height:1.4;font-weight:650;break-after:avoid}"
    "h4{margin:16px 0 4px;font-size:13px;font-weight:600;color:var(--quiet);break-after:avoid}"
    "p{margin:8px 0}.about{color:var(--quiet);break-after:avoid}.quiet{color:var(--quiet)}"
    ".over{margin:0 0 6px;color:var(--quiet);font-size:13px}"
    ".lead{margin:10px 0 0;font-size:17px}.top{display:flex;flex-wrap:wrap;gap:8px 14px;align-items:center}"
    f".m{{font-family:{MONO};font-size:.88em}}"
    ".badge{display:inline-block;padding:1px 9px;border-radius:999px;font-size:12.5px;line-height:20px;font-weight:600;"
    "white-space:nowrap}.top .badge{font-size:14px;line-height:24px;padding:1px 12px}"
    f"{_BADGES}"
    ".cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin:24px 0 0;padding:0}"
    ".card{padding:12px 14px;border:1px solid var(--line);border-top:3px solid var(--gray);border-radius:6px;"
    "background:var(--soft);break-inside:avoid}.card dt{color:var(--quiet);font-size:13px}"
    ".card dd{margin:2px 0 0}.card .big{font-size:22px;line-height:1.3;font-weight:650}.card .small{font-size:13px}"
    ".facts{display:grid;grid-template-columns:max-content 1fr;gap:4px 20px;margin:12px 0 0}"
    ".facts dt{color:var(--quiet)}.facts dd{margin:0;min-width:0}"
    ".t{width:100%;border-collapse:collapse;font-size:13.5px;line-height:20px}"
    ".t th{padding:4px 12px 4px 0;text-align:left;white-space:nowrap;font-weight:600;color:var(--quiet);"
    "font-size:12.5px;border-bottom:1px solid var(--line);vertical-align:bottom}"
    ".t td{padding:6px 12px 6px 0;border-bottom:1px solid var(--line);vertical-align:top}.t tr{break-inside:avoid}"
    ".pre{white-space:pre-wrap}"
    ".error{color:var(--red-ink)}.nb{white-space:nowrap}"
    "figure{margin:0 0 12px;break-inside:avoid}"
    ".vh,.skip:not(:focus){position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}"
    ".seal{padding:14px 16px;border:1px solid var(--line);border-radius:6px;background:var(--soft);break-inside:avoid}"
    "@media screen and (max-width:480px){.facts{grid-template-columns:1fr;gap:0}.facts dd{margin-bottom:8px}"
    ".cards{grid-template-columns:1fr 1fr}}"
    f"{TIMELINE}{_SMALL}{_WIDE}{_PAPER}"
)
POLICY: Final = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; "
    f"style-src 'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'"
)
"""The page's Content-Security-Policy: nothing runs in it, and nothing is loaded into it."""
