"""`viewer serve`: a local web application over a store, for this machine's browser alone."""

from __future__ import annotations

import argparse
import socket
import webbrowser

from profiler.errors import SelectionError
from viewer.cli import terminal
from viewer.cli.filters import DEFAULT_STORE
from viewer.cli.selection import store_of

HELP = "look at a store in the browser: invocations over time, and what the chosen ones did"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--store",
        metavar="URI",
        help=f"s3://bucket/prefix or a folder (default: PROFILER_STORE, else {DEFAULT_STORE!r})",
    )
    parser.add_argument("--port", type=int, default=0, metavar="N", help="default: a free one")
    parser.add_argument("--open", action="store_true", help="open the browser")


def run(args: argparse.Namespace) -> int:
    import uvicorn

    from viewer.serve.app import application
    from viewer.serve.gate import Gate
    from viewer.serve.index import Index

    store = store_of(args)
    store.functions()  # what is wrong with it is said now, and not in the browser
    listener = _listen(args.port)
    port = listener.getsockname()[1]
    gate = Gate(application(Index(store)), port)
    address = f"http://127.0.0.1:{port}/?token={gate.token}"
    terminal.say(f"{store}, for this machine alone; Ctrl-C ends it")
    print(address, flush=True)
    if args.open:
        webbrowser.open(address)
    # No log: the address in it would hold the token.
    config = uvicorn.Config(gate, log_level="error", access_log=False, server_header=False)
    uvicorn.Server(config).run(sockets=[listener])
    return 0


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen()
    except (OSError, OverflowError) as error:
        listener.close()
        raise SelectionError(f"port {port} cannot be used: {error}") from error
    return listener
