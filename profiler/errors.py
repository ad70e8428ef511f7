"""Every error the project raises on purpose.

A message is one line: what was wrong, then how to mend it.
"""


class ProfilerError(Exception):
    """Base of the project's own errors; a command line turns it into one line and exit code 2."""


class SettingsError(ProfilerError):
    """One or more settings have a value that is not allowed."""


class PluginError(ProfilerError):
    """An engine, sink or store of another package that is not there or cannot be loaded."""


class UsageError(ProfilerError):
    """A command line that cannot be understood."""


class LayerError(ProfilerError):
    """A layer that cannot be built."""


class FunctionError(ProfilerError):
    """A Lambda function that cannot be looked at or changed."""


class HandlerError(ProfilerError):
    """A handler string or an event that cannot be used."""


class CaptureFormatError(ProfilerError):
    """Bytes that are not a capture this version can read."""


class StoreError(ProfilerError):
    """A store, local or S3, that cannot be read or written."""


class SelectionError(ProfilerError):
    """A selection that matches nothing or cannot be understood."""
