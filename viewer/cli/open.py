"""`viewer open`: a profile in the browser at once, in our page or in speedscope; no file is left behind."""

from __future__ import annotations

import argparse
import webbrowser

from profiler.errors import SelectionError
from viewer.cli import selection, terminal
from viewer.cli.filters import NEWEST_OR_MERGED
from viewer.cli.profiles import profile_from, time_lanes
from viewer.opening.documents import Opened, page, speedscope
from viewer.opening.release import find_release
from viewer.opening.site import Site
from viewer.processors import hide_bootstrap

HELP = "show the newest capture, or several merged, in the browser: our page or speedscope"


def configure(parser: argparse.ArgumentParser) -> None:
    selection.add_arguments(parser, default=NEWEST_OR_MERGED)
    parser.add_argument(
        "--in",
        dest="what_in",
        choices=("page", "speedscope"),
        default="page",
        help="the flame graph page (the default), or speedscope",
    )
    parser.add_argument(
        "--port", type=_port, default=0, metavar="N", help="on 127.0.0.1 (default: any that is free)"
    )
    parser.add_argument("--no-browser", action="store_true", help="only print the address")


def run(args: argparse.Namespace) -> int:
    # Before the captures are fetched, which may take a while.
    release = find_release() if args.what_in == "speedscope" else None
    selected = selection.select(args, newest=True)
    profile = hide_bootstrap(profile_from(selected))
    time_lanes(profile, thread=None, all_threads=False)
    opened = page(profile) if release is None else speedscope(profile, release)
    _serve(opened, args.port, browser=not args.no_browser)
    return selected.exit_code()


def _serve(opened: Opened, port: int, *, browser: bool) -> None:
    """Serve until Ctrl-C."""
    with _site(opened, port) as site:
        url = site.url + opened.fragment
        print(url, flush=True)
        terminal.say("serving on this machine alone, until Ctrl-C")
        if browser and not webbrowser.open(url):
            terminal.say(
                f"no browser here: on the machine that has one, ssh -L {site.port}:127.0.0.1:{site.port} "
                "and open that address"
            )
        try:
            site.wait()
        except KeyboardInterrupt:
            return


def _site(opened: Opened, port: int) -> Site:
    try:
        return Site(opened.documents, opened.policy, port)
    except OSError as error:
        raise SelectionError(f"port {port} cannot be had ({error.strerror}): give another --port") from error


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: give a number from 1 to 65535")
    return int(text)
