"""What the functions of the emulator's tests are made of, and the interpreter that runs them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

# Another interpreter with `awslambdaric` in it runs the same tests.
PYTHON = os.environ.get("EMULATOR_PYTHON", sys.executable)

EXTENSION = '''
"""A small internal extension: a thread that fetches events."""

import http.client
import json
import os
import threading

PREFIX = "/2020-01-01/extension"


def call(method, path, headers=None, body=None):
    connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    try:
        connection.request(method, PREFIX + path, body=body, headers=headers or {})
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), json.loads(response.read())
    finally:
        connection.close()


def register(name="inner", events=("INVOKE",), **headers):
    body = json.dumps({"events": list(events)})
    return call("POST", "/register", {"Lambda-Extension-Name": name, **headers}, body)


def next_event(identifier):
    return call("GET", "/event/next", {"Lambda-Extension-Identifier": identifier})[2]


def error(identifier, phase, error_type="Extension.Broken"):
    headers = {"Lambda-Extension-Identifier": identifier, "Lambda-Extension-Function-Error-Type": error_type}
    return call("POST", f"/{phase}/error", headers, "{}")


def start(work, name="inner", events=("INVOKE",)):
    identifier = register(name, events)[1]["Lambda-Extension-Identifier"]

    def serve():
        while True:
            work(next_event(identifier))

    threading.Thread(target=serve, daemon=True).start()
    return identifier
'''


def write_app(folder: Path, source: str) -> Path:
    """Put `source` and the extension into `folder`, as `app.py` and `extension.py`."""
    (folder / "app.py").write_text(source, encoding="utf-8")
    (folder / "extension.py").write_text(EXTENSION, encoding="utf-8")
    return folder
