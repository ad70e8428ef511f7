"""Lambda's own error documents: what a caller is told when the function itself could not answer.

Words as in `aws-lambda-runtime-interface-emulator` (`fatalerror`, `rapid`) and as CloudWatch shows them.
"""

from __future__ import annotations

import signal

# 6 MiB and a margin for the envelope: `interop.MaxPayloadSize` of the runtime interface emulator.
MAX_RESPONSE_BYTES = 6 * 1024 * 1024 + 100
MAX_EVENT_BYTES = 6 * 1024 * 1024

Document = dict[str, str]


def exit_document(request_id: str, exit_code: int | None) -> Document:
    """Return the document for a runtime process that ended on its own."""
    if exit_code is not None and exit_code < 0:
        reason = f"Runtime exited with error: signal: {_signal_name(-exit_code)}"
    elif exit_code:
        reason = f"Runtime exited with error: exit status {exit_code}"
    else:
        reason = "Runtime exited without providing a reason"
    return _document("Runtime.ExitError", f"RequestId: {request_id} Error: {reason}")


def out_of_memory_document(request_id: str) -> Document:
    """Return the document for a runtime that was killed because it went over its memory."""
    return {**exit_document(request_id, -signal.SIGKILL), "errorType": "Runtime.OutOfMemory"}


def timeout_document(request_id: str, timeout_s: float) -> Document:
    """Return the document for an invocation that ran over its time-out."""
    message = f"RequestId: {request_id} Error: Task timed out after {timeout_s:.2f} seconds"
    return _document("Sandbox.Timedout", message)


def too_large_document() -> Document:
    """Return the document that takes the place of a response over the limit."""
    message = f"Response payload size exceeded maximum allowed payload size ({MAX_RESPONSE_BYTES} bytes)."
    return _document("Function.ResponseSizeTooLarge", message)


def extension_document(request_id: str, phase: str, error_type: str) -> Document:
    """Return the document for an extension that reported an error; `phase` is `Init` or `Exit`."""
    message = f"RequestId: {request_id} Error: extension reported {error_type}"
    return _document(f"Extension.{phase}Error", message)


def _document(error_type: str, message: str) -> Document:
    return {"errorType": error_type, "errorMessage": message}


def _signal_name(number: int) -> str:
    # Lambda's are Go's names: "killed", "segmentation fault", "terminated".
    return (signal.strsignal(number) or str(number)).lower()
