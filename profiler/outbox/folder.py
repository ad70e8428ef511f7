"""Where on the local disk the captures of one store wait: a folder that is nobody else's."""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path

from profiler.errors import StoreError
from profiler.location import LocalLocation, parse_location

_NAME = "invocation-profiler"


def spool_folder(store: str, environ: Mapping[str, str] | None = None, *, make: bool = True) -> Path:
    """Return the folder for what is on its way to a store URI, and make it if need be and asked for.

    It lies below TMPDIR or /tmp, belongs to this user alone (mode 0700), and is the same for all
    processes of the user that write to that store, and for no other store. A local store is known by
    its absolute path, one in S3 by its endpoint, bucket and prefix.

    Raises:
        OSError: it cannot be made, or is not there (FileNotFoundError), or what stands in its place is a
            link, no folder, or another user's.
    """
    environ = os.environ if environ is None else environ
    above = _private(_temporary(environ) / f"{_NAME}-{_user()}", make)
    return _private(above / _fingerprint(_destination(store, environ)), make)


def _temporary(environ: Mapping[str, str]) -> Path:
    named = environ.get("TMPDIR")
    if named and os.path.isabs(named):
        return Path(named)
    # Not `gettempdir` on POSIX: it writes to find out, and settles for the working directory.
    return Path("/tmp") if os.name == "posix" else Path(tempfile.gettempdir())


def _user() -> str:
    return str(os.getuid()) if hasattr(os, "getuid") else "user"


def _destination(store: str, environ: Mapping[str, str]) -> str:
    try:
        location = parse_location(store)
    except StoreError:  # the URI of somebody else's sink
        return store
    if isinstance(location, LocalLocation):
        return os.path.abspath(location.path)
    endpoint = environ.get("AWS_ENDPOINT_URL_S3") or environ.get("AWS_ENDPOINT_URL") or ""
    return f"{endpoint} {location}"


@functools.lru_cache(maxsize=8)
def _fingerprint(destination: str) -> str:
    import hashlib  # loads OpenSSL: not while the function is initialised

    return hashlib.sha256(destination.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _private(folder: Path, make: bool) -> Path:
    """Make a folder for this user alone, or make sure that it is one: in /tmp others may have been first."""
    if make:
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
    found = os.lstat(folder)
    if not stat.S_ISDIR(found.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, "stands in the place of a folder", str(folder))
    if hasattr(os, "getuid"):
        if found.st_uid != os.getuid():
            raise PermissionError(errno.EPERM, "belongs to another user", str(folder))
        # Ours, in a folder where nobody else can replace it; the umask may have taken our own bits.
        if stat.S_IMODE(found.st_mode) != 0o700:
            folder.chmod(0o700)
    return folder
