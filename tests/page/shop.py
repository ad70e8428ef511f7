"""A plausible invocation for pictures: an order service that reads S3, parses, prices, stores and logs."""

from __future__ import annotations

import random

from profiler.capture import Frame
from viewer.profile import Lane, Profile, StackTable

_LIBRARY = "/var/lang/lib/python3.12"
_OPT = "/opt/python"

# A frame is written name@file:line; a task is a stack from the root down with its µs, cut into short runs.
_HANDLER = ["handler@/var/task/app.py:12"]
_BOTO = [
    f"ClientCreator._api_call@{_OPT}/botocore/client.py:551",
    f"BaseClient._make_api_call@{_OPT}/botocore/client.py:956",
]
_SEND = [
    f"Endpoint.make_request@{_OPT}/botocore/endpoint.py:113",
    f"Endpoint._send_request@{_OPT}/botocore/endpoint.py:179",
    f"URLLib3Session.send@{_OPT}/botocore/httpsession.py:464",
    f"HTTPConnectionPool.urlopen@{_OPT}/urllib3/connectionpool.py:592",
    f"HTTPConnectionPool._make_request@{_OPT}/urllib3/connectionpool.py:377",
    f"HTTPConnection.getresponse@{_OPT}/urllib3/connection.py:485",
    f"HTTPResponse.begin@{_LIBRARY}/http/client.py:324",
    f"SocketIO.readinto@{_LIBRARY}/socket.py:692",
    f"SSLSocket.read@{_LIBRARY}/ssl.py:1099",
]
_SIGN = [
    f"RequestSigner.sign@{_OPT}/botocore/signers.py:131",
    f"SigV4Auth.add_auth@{_OPT}/botocore/auth.py:425",
    f"SigV4Auth.canonical_request@{_OPT}/botocore/auth.py:381",
]
_PARSE = [
    f"RestXMLParser.parse@{_OPT}/botocore/parsers.py:227",
    f"BaseXMLResponseParser._parse_shape@{_OPT}/botocore/parsers.py:335",
]
_LOADS = [
    f"loads@{_LIBRARY}/json/__init__.py:299",
    f"JSONDecoder.decode@{_LIBRARY}/json/decoder.py:333",
    f"JSONDecoder.raw_decode@{_LIBRARY}/json/decoder.py:344",
]
_COMPILE = [f"compile@{_LIBRARY}/re/__init__.py:226", f"_compile@{_LIBRARY}/re/__init__.py:280"]
_SRE = [f"compile@{_LIBRARY}/re/_compiler.py:738", f"parse@{_LIBRARY}/re/_parser.py:969"]
_SUB = [f"_parse_sub@{_LIBRARY}/re/_parser.py:452", f"_parse@{_LIBRARY}/re/_parser.py:512"]
_ORDERS, _PRICES = "/var/task/orders/service.py", "/var/task/orders/pricing.py"
_LOG = [
    f"Logger.info@{_LIBRARY}/logging/__init__.py:1529",
    f"Logger._log@{_LIBRARY}/logging/__init__.py:1660",
    f"StreamHandler.emit@{_LIBRARY}/logging/__init__.py:1144",
]
_ROOT = [f"Thread._bootstrap@{_LIBRARY}/threading.py:1032", f"Thread.run@{_LIBRARY}/threading.py:1012"]
_POOL = [
    *_ROOT,
    f"_worker@{_LIBRARY}/concurrent/futures/thread.py:69",
    f"_WorkItem.run@{_LIBRARY}/concurrent/futures/thread.py:53",
]

_LOAD = [*_HANDLER, f"load_order@{_ORDERS}:41"]
_PRICE = [*_HANDLER, f"price_order@{_PRICES}:18"]
_RULES = [*_PRICE, f"apply_discounts@{_PRICES}:64"]
_STOCK = [*_HANDLER, f"check_stock@{_ORDERS}:88"]
_STORE = [*_HANDLER, f"store_order@{_ORDERS}:120"]

_MAIN: list[tuple[list[str], int]] = [
    (_HANDLER, 400),
    ([*_LOAD, *_BOTO, *_SIGN], 5200),
    ([*_LOAD, *_BOTO, *_SEND], 61000),
    ([*_LOAD, *_BOTO, *_PARSE], 6100),
    ([*_LOAD, *_LOADS], 38500),
    ([*_LOAD, f"Order.from_dict@{_ORDERS}:22", f"Item.__init__@{_ORDERS}:9"], 9300),
    ([*_LOAD, f"Order.from_dict@{_ORDERS}:22", f"strptime@{_LIBRARY}/_strptime.py:309"], 5400),
    ([*_RULES, *_COMPILE, *_SRE, *_SUB], 14000),
    ([*_RULES, *_COMPILE, *_SRE, *_SUB, *_SUB], 11800),
    ([*_RULES, *_COMPILE, *_SRE, *_SUB, *_SUB, *_SUB], 6100),
    ([*_RULES, f"Rule.matches@{_PRICES}:97"], 33700),
    ([*_RULES, f"Rule.matches@{_PRICES}:97", f"Item.total@{_ORDERS}:14"], 12900),
    ([*_PRICE, f"tax@{_PRICES}:133", "Decimal.quantize@<built-in>:0"], 4400),
    ([*_PRICE, f"tax@{_PRICES}:133"], 7700),
    (
        [
            *_STOCK,
            f"wait@{_LIBRARY}/concurrent/futures/_base.py:267",
            f"Condition.wait@{_LIBRARY}/threading.py:323",
        ],
        88000,
    ),
    ([*_STOCK, f"<listcomp>@{_ORDERS}:95"], 2600),
    (
        [
            *_STORE,
            f"dumps@{_LIBRARY}/json/__init__.py:183",
            f"JSONEncoder.encode@{_LIBRARY}/json/encoder.py:183",
        ],
        15400,
    ),
    ([*_STORE, *_BOTO, *_SIGN], 3900),
    ([*_STORE, *_BOTO, *_SEND], 44200),
    ([*_HANDLER, *_LOG], 3800),
]
_WORK: list[tuple[list[str], int]] = [
    ([*_POOL, f"stock_of@{_ORDERS}:101", *_BOTO, *_SIGN], 3100),
    ([*_POOL, f"stock_of@{_ORDERS}:101", *_BOTO, *_SEND], 52000),
    ([*_POOL, f"stock_of@{_ORDERS}:101", *_BOTO, *_PARSE[:1]], 2400),
    ([*_POOL[:3], "SimpleQueue.get@<built-in>:0"], 9000),
]
_SITES: list[tuple[list[str], int]] = [
    ([*_RULES, f"cached_rule@{_PRICES}:71"], 4_810_000),
    ([*_LOAD, *_LOADS], 1_220_000),
    ([*_LOAD, *_BOTO], 310_000),
    ([*_HANDLER, *_LOG], 42_000),
]


def shop(seed: int = 4) -> Profile:
    """Return about 400 ms of the order service: its own thread, three workers, retained memory."""
    chance = random.Random(seed)
    table = StackTable()
    frames: dict[str, int] = {}

    def node(stack: list[str]) -> int:
        return table.add(frames.setdefault(name, len(frames)) for name in stack)

    def spell(tasks: list[tuple[list[str], int]]) -> list[tuple[int, int]]:
        runs = []
        for stack, weight in tasks:
            for _ in range(max(1, weight // 4000)):
                cut = chance.randint(0, 2) if chance.random() < 0.3 else 0
                seen = stack[: max(1, len(stack) - cut)]
                runs.append((node(seen), int(min(weight, 4000) * 1000 * chance.uniform(0.6, 1.4))))
        return runs

    lanes = [Lane("MainThread", "nanoseconds", spell(_MAIN))]
    for worker in range(3):
        lanes.append(Lane(f"ThreadPoolExecutor-0_{worker}", "nanoseconds", spell(_WORK)))
    lanes.append(Lane("memory retained", "bytes", [(node(s), w) for s, w in _SITES], ordered=False))
    facts = {
        "Function": "checkout",
        "Duration": "412 ms",
        "Start": "cold",
        "Memory": "512 MB",
        "Engine": "sampler, 1 ms",
        "Samples": "408",
        "Request": "7f3c9b1e-2d60-4b18-9a51-6a0d1be2c4f0",
    }
    return Profile("checkout · 412 ms", [_frame(text) for text in frames], table, lanes, facts)


def _frame(text: str) -> Frame:
    name, _, place = text.partition("@")
    file, _, line = place.rpartition(":")
    return Frame(name, file, int(line))
