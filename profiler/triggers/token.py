"""A signed request for one capture: HMAC-SHA256 over function, expiry and a nonce.

    v1.1767323045.9f86d081884c7d65.9buqmRr9z6EuVtCcvrXarxkz9Tqz4CTS50iPziX3eCo

Version, expiry (seconds since 1970, by the wall clock), nonce and signature; it fits a header, a URL and a
message attribute as it is. Who has seen a token can use it once for each environment until it expires, and
gains nothing by it but a capture that its owner can read.

Sources: RFC 2104; the shape is that of AWS's pre-signed requests and of JWTs, without their choices.
"""

from __future__ import annotations

import re
import time

VERSION = "v1"
SHORTEST_KEY = 16
# A token that lives longer would have to be remembered for longer.
LIFETIME_AT_MOST_S = 7 * 24 * 3600
# Of accepted tokens that have not expired yet; with so many, no more are accepted until some have.
REMEMBERED_AT_MOST = 1_000
LENGTH = 74
PATTERN = re.compile(r"v1\.([0-9]{10})\.([0-9a-f]{16})\.([A-Za-z0-9_-]{43})")


def make_token(key: str, function_name: str, expires_at_s: int, nonce: str) -> str:
    """Return a token for one function. `nonce` is 16 hexadecimal digits that no other token has."""
    signature = _signature(key.encode("utf-8", "surrogatepass"), function_name, expires_at_s, nonce)
    return f"{VERSION}.{expires_at_s:010d}.{nonce}.{signature}"


class Verifier:
    """Tells whether a token is genuine, of this function, still valid, and new in this environment.

    `used` holds the tokens that were accepted, by signature; the verifiers of an environment share it.
    """

    def __init__(self, key: str, function_name: str, used: dict[str, list[int]] | None = None) -> None:
        import hmac

        self._key = key.encode("utf-8", "surrogatepass")
        self._function_name = function_name
        self._equal = hmac.compare_digest
        self._used: dict[str, list[int]] = {} if used is None else used
        # What it takes is loaded now, during init: that takes milliseconds.
        _signature(self._key, function_name, 0, "")

    def accepts(self, token: str, now_s: float | None = None) -> bool:
        """Accept a token once. What has not its shape, or has expired, costs no HMAC."""
        match = PATTERN.fullmatch(token) if len(token) == LENGTH else None
        if match is None:
            return False
        expiry, nonce, signature = match.groups()
        expires_at_s = int(expiry)
        left_s = expires_at_s - (time.time() if now_s is None else now_s)
        if not 0 < left_s <= LIFETIME_AT_MOST_S or signature in self._used:
            return False
        genuine = _signature(self._key, self._function_name, expires_at_s, nonce)
        if not self._equal(signature, genuine):
            return False
        return self._note(signature, expires_at_s, expires_at_s - left_s)

    def _note(self, signature: str, expires_at_s: int, now_s: float) -> bool:
        if len(self._used) >= REMEMBERED_AT_MOST:
            for used, expiry in list(self._used.items()):
                if expiry[0] <= now_s:
                    self._used.pop(used, None)
            if len(self._used) >= REMEMBERED_AT_MOST:
                return False
        # In one step, for two threads may have the same token at the same time: only one has its own mark.
        mark = [expires_at_s]
        return self._used.setdefault(signature, mark) is mark


def _signature(key: bytes, function_name: str, expires_at_s: int, nonce: str) -> str:
    import hmac
    from base64 import urlsafe_b64encode

    text = f"invocation-profiler {VERSION}\n{function_name}\n{expires_at_s}\n{nonce}"
    digest = hmac.new(key, text.encode("utf-8", "surrogatepass"), "sha256").digest()
    return urlsafe_b64encode(digest).decode().rstrip("=")
