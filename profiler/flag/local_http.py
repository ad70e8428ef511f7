"""GET from an extension of AWS's on this machine, with a time-out, and not more than a flag can be."""

from __future__ import annotations

from collections.abc import Mapping

from profiler.flag.value import LONGEST, FlagError

TIMEOUT_S = 2.0


def get(port: int, path: str, headers: Mapping[str, str] | None = None) -> str:
    """Return the body of a 200. Raises FlagError (another status) and OSError."""
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", path, headers=dict(headers or {}))
        response = connection.getresponse()
        body = response.read(LONGEST + 1).decode("utf-8", "replace")
    except http.client.HTTPException as error:
        raise FlagError(f"answers no HTTP ({type(error).__name__})") from error
    except ValueError as error:
        # Without its text, which may hold the token.
        raise FlagError(f"cannot be asked ({type(error).__name__})") from None
    finally:
        connection.close()
    if response.status != http.client.OK:
        raise FlagError(f"HTTP {response.status}: {' '.join(body[:200].split())}")
    return body


def port_of(variable: str, default: int, environ: Mapping[str, str]) -> int:
    """Return the port that a variable names, else the default. Raises FlagError."""
    text = environ.get(variable, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65_536):
        raise FlagError(f"{variable}={text} is no port")
    return int(text)
