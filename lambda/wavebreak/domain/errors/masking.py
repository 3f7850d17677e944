"""Secrets taken out of text and data before anything keeps or prints them.

Whatever looks like a credential is replaced, whatever is called like one is replaced whole. Better a harmless word too
many masked than one secret kept.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MASK: Final = "*****"
LONGEST: Final = 40_000
"""Characters that are looked through; the middle of longer text is left out first, with whatever it may hide."""

_NAMES: Final = (
    r"aws[_-]?access[_-]?key(?:[_-]?id)?|access[_-]?key(?:[_-]?id)?|secret(?:[_-]?access)?[_-]?key|secret|"
    r"[a-z0-9_-]{0,40}token|authorization|passw(?:or)?d|passphrase|pwd|api[_-]?key|private[_-]?key|credentials?|"
    r"signature|x-amz-(?:signature|credential|security-token)"
)
_ENCODED_REFUSAL: Final = r"encoded authorization failure message:\s*"
"""What EC2 encodes (sts:DecodeAuthorizationMessage decodes it) stands behind these words; no secret."""
_ERROR_CODE: Final = r"(?:expired|invalid)token:\s+the\s"
"""Codes of AWS with the first word of what it says of them."""
_VALUE: Final = r"\"[^\"\r\n]*\"|'[^'\r\n]*'|[^\s,;&\"'})\]]+"
_ASSIGNED: Final = rf"(?i)(?<![a-z0-9])(?!{_ERROR_CODE})((?:{_NAMES})[\"']?\s*(?:=>|[:=])\s*)({_VALUE})"


def masked_text(text: str) -> str:
    """Mask the secrets in a text."""
    if len(text) > LONGEST:
        text = shortened(text, LONGEST)
    for secret, instead in _rules():
        text = secret.sub(instead, text)
    return text


@lru_cache(maxsize=4096)
def masked_reason(words: str) -> str:
    """Return the reason of a failure as it is kept and shown: without secrets. Many servers fail in the same words."""
    return masked_text(words)


@cache
def _rules() -> tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...]:
    """Return what looks like a secret, and what is written instead. Compiled at the first use: no cold start pays."""
    return (
        (re.compile(r"AWS4-HMAC-SHA256\s+Credential=[^\r\n\"'}]+"), MASK),
        (re.compile(r"(?i)\b(authorization[\"']?\s*[:=]\s*)[\"']?[^\r\n\"'}]+"), rf"\g<1>{MASK}"),
        (re.compile(r"(?i)\b((?:bearer|basic)\s+)[A-Za-z0-9+/=._~-]{8,}"), rf"\g<1>{MASK}"),
        (re.compile(_ASSIGNED), rf"\g<1>{MASK}"),
        (re.compile(r"(://)[^/\s:@]+:[^/\s@]+@"), rf"\g<1>{MASK}@"),
        (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b"), MASK),
        # Session tokens and task tokens: but for one thing nothing that is written about here has runs this long.
        (re.compile(rf"(?i)({_ENCODED_REFUSAL})?[A-Za-z0-9+/=_-]{{100,}}"), _unless_a_refusal),
        (re.compile(r"(?<![A-Za-z0-9/+=])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])"), _unless_a_digest),
    )


@cache
def _secret_name() -> re.Pattern[str]:
    """Return the pattern of names of secrets."""
    return re.compile(rf"(?:.*[_.-])?(?:{_NAMES})", re.IGNORECASE)


def _unless_a_refusal(found: re.Match[str]) -> str:
    """Mask a long run of characters unless it is what EC2 says of a missing permission: that decodes only whole."""
    return found[0] if found[1] else MASK


def _unless_a_digest(found: re.Match[str]) -> str:
    """Mask forty characters that mix cases and digits, as a secret access key does and a digest or a path does not."""
    text = found[0]
    mixed = any(c.isupper() for c in text) and any(c.islower() for c in text) and any(c.isdigit() for c in text)
    return MASK if mixed else text


def masked(value: Any, depth: int = 4) -> Any:
    """Mask the secrets in JSON-like data; below `depth` levels, and for types that JSON lacks, it is masked as text."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, dict) and depth:
        return _masked_fields(value, depth)
    if isinstance(value, (list, tuple)) and depth:
        return [masked(entry, depth - 1) for entry in value]
    return masked_text(str(value))


def _masked_fields(fields: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    return {
        str(name): MASK if _secret_name().fullmatch(str(name)) else masked(value, depth - 1)
        for name, value in fields.items()
    }


def shortened(text: str, length: int) -> str:
    """Keep head and tail of a text that has more than `length` characters; the tail, where causes stand, is longer."""
    if len(text) <= length:
        return text
    note = f"\n... {len(text) - length} characters left out ...\n"
    head = (length - len(note)) // 3
    return text[:head] + note + text[-(length - len(note) - head) :]
