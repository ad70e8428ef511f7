"""Leaks of the process: handlers, callbacks, threads, files, clients, modules."""

import atexit
import concurrent.futures
import logging
import sys
import tempfile
import threading
import types


def logging_handler_per_call(event, context):
    logging.getLogger("shop").addHandler(logging.NullHandler())  # leak: logging_handler_per_call


def exit_callbacks(event, context):
    atexit.register(print, "bye", context.aws_request_id, file=None)  # leak: exit_callbacks


def threads_never_ended(event, context):
    threading.Thread(target=threading.Event().wait, daemon=True).start()  # leak: threads_never_ended


def executors_never_shut_down(event, context):
    pool = concurrent.futures.ThreadPoolExecutor(max_workers=1)
    POOLS.append(pool)  # leak: executors_never_shut_down
    return pool.submit(len, "abc").result()


POOLS = []


def files_never_closed(event, context):
    file = tempfile.TemporaryFile()
    file.write(b"x" * 100)
    FILES.append(file)  # leak: files_never_closed


FILES = []


class Client:
    """What a client per call looks like: a session, an event system, a connection pool."""

    def __init__(self):
        self.events = {name: [] for name in ("before", "after", "retry")}
        self.pool = [bytearray(2_000) for _ in range(3)]


def client_per_call(event, context):
    client = Client()
    CLIENTS[id(client)] = client  # leak: client_per_call


CLIENTS = {}


def modules_made_per_call(event, context):
    name = f"generated_{context.aws_request_id.replace('-', '_')}"
    sys.modules[name] = types.ModuleType(name)  # leak: modules_made_per_call
