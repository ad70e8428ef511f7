"""The whole way on one machine: a handler is profiled into a folder, and the viewer looks at it."""

import json
import os
import subprocess
import sys

import pytest

APP = """
import time

PRICES = {}

def lookup(sku):
    PRICES[sku] = "x" * 100
    deadline = time.perf_counter() + 0.02
    while time.perf_counter() < deadline:
        pass

def handler(event, context):
    for item in range(2):
        lookup((context.aws_request_id, item))
    return "ok"
"""


def run(folder, *command, code=0):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PROFILER_")}
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == code, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    (folder / "app.py").write_text(APP)
    run(folder, "profiler", "run", "app.handler", "--count", "5")
    return folder


def test_ls(folder):
    records = json.loads(run(folder, "viewer", "ls", "--json"))
    assert [record["sequence"] for record in records] == [5, 4, 3, 2, 1]
    assert [record["cold"] for record in records] == [False, False, False, False, True]
    assert {record["outcome"] for record in records} == {"ok"}


def test_top_finds_the_function_that_takes_the_time(folder):
    record = json.loads(run(folder, "viewer", "top", "--json", "--last", "5"))
    functions = {row["name"]: row for row in record["functions"]}
    assert functions["lookup"]["self"] > 0.8 * record["total"]
    assert functions["handler"]["total"] > 0.8 * record["total"]
    # The handler is the root: nothing of what called it is shown.
    assert max(row["total"] for row in functions.values()) == functions["handler"]["total"]


def test_show_names_the_container(folder):
    census = json.loads(run(folder, "viewer", "show", "--json"))["memory"]["census"]
    assert {entry["path"]: entry["entries"] for entry in census}["app.PRICES"] == 10


def test_the_slowest_is_the_slowest(folder):
    records = json.loads(run(folder, "viewer", "ls", "--json"))
    [slowest] = json.loads(run(folder, "viewer", "ls", "--json", "--slowest"))
    assert slowest["duration_ns"] == max(record["duration_ns"] for record in records)


def test_pull_and_export_and_look_again(folder, tmp_path):
    run(folder, "viewer", "pull", "-o", str(tmp_path / "copy"))
    exported = tmp_path / "merged.speedscope.json.gz"
    run(
        tmp_path,
        "viewer",
        "export",
        "--store",
        "copy",
        "--last",
        "5",
        "--to",
        "speedscope",
        "-o",
        str(exported),
    )
    again = json.loads(run(tmp_path, "viewer", "top", "--json", str(exported)))
    first = json.loads(run(folder, "viewer", "top", "--json", "--last", "5"))
    assert again["total"] == first["total"]
    assert again["functions"] == first["functions"]


def test_flamegraph(folder, tmp_path):
    page = tmp_path / "page.html"
    run(folder, "viewer", "flamegraph", "--slowest", "-o", str(page))
    assert "lookup" in page.read_text()
    run(folder, "viewer", "flamegraph", "--slowest", "-o", str(page), code=2)


def test_a_capture_opens_as_it_stands(folder):
    [path] = json.loads(run(folder, "viewer", "ls", "--json", "--last", "1"))
    assert "lookup" in run(folder, "viewer", "top", f"profiles/{path['path']}")
    assert "lookup" in run(folder, "viewer", "top", path["path"])
