"""Who calls, in which account and Region, read from the SigV4 credential scope. Signatures are not verified."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drs_simulator.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT_ACCOUNT = "000000000000"
DEFAULT_REGION = "us-east-1"

_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/\d{8}/([^/,\s]+)/([^/,\s]+)/aws4_request")
_ACCOUNT = re.compile(r"\d{12}")
_ISSUED_KEY = re.compile(r"(?:AKIA|ASIA)([A-Z2-7]{16})")
_HEX_DIGITS = frozenset("0123456789ABCDEF")
_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_ACCOUNT_OFFSET = 1 << 39


@dataclass(frozen=True)
class Caller:
    """The account and Region that a call is for, and the service it is signed for."""

    account: str
    region: str
    service: str


def caller_of(authorization: str, account_of: Callable[[str], str | None]) -> Caller:
    """Read the caller from an Authorization header.

    ``account_of`` is asked for the account of an access key that does not report it by itself; without an answer the
    call belongs to the default account. Raise ApiError (403) for a request that is not signed.
    """
    found = _CREDENTIAL.search(authorization)
    if found is None:
        raise ApiError("MissingAuthenticationTokenException", "The request is not signed", status=403)
    access_key, region, service = found.groups()
    account = account_in(access_key) or account_of(access_key) or DEFAULT_ACCOUNT
    return Caller(account, region, service)


def account_in(access_key: str) -> str | None:
    """Return the account that an access key itself names: a key of 12 digits, or one in AWS's own base32 form.

    AWS and moto encode the account in the key ids they issue (``sts:GetAccessKeyInfo`` reads it back). Other emulators
    fill them with random hexadecimal digits, which would decode to an account that does not exist: those say nothing.
    """
    if _ACCOUNT.fullmatch(access_key):
        return access_key
    issued = _ISSUED_KEY.fullmatch(access_key)
    if issued is None or _HEX_DIGITS.issuperset(issued[1]):
        return None
    bits = 0
    for character in issued[1][:9]:
        bits = bits << 5 | _BASE32.index(character)
    account = ((bits >> 5) - _ACCOUNT_OFFSET) * 2 + (bits >> 4 & 1)
    return f"{account:012d}" if 0 <= account < 10**12 else None
