"""Links to sources, and texts of them, also where a capture was made to get at something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from profiler.capture import Frame
from profiler.errors import SelectionError
from viewer import sources
from viewer.profile import Profile, StackTable
from viewer.sources import SourceLinks, read_sources

APP = Frame("handler", "/var/task/shop/app.py", 12)
BOTO = Frame("call", "/opt/python/botocore/client.py", 5)


def profile(*files: str) -> Profile:
    return Profile("", [Frame("f", file, 2) for file in files], StackTable(), [])


def test_a_path_in_the_template_links_the_own_code_alone() -> None:
    links = SourceLinks("https://github.com/me/shop/blob/main/{path}#L{line}")
    assert links.of(APP) == "https://github.com/me/shop/blob/main/shop/app.py#L12"
    assert links.of(BOTO) is None
    assert links.of(Frame("run", "<frozen runpy>", 3)) is None
    assert links.of(Frame("sum", "", 0)) is None


def test_a_file_in_the_template_links_everything() -> None:
    links = SourceLinks("vscode://file{file}:{line}")
    assert links.of(BOTO) == "vscode://file/opt/python/botocore/client.py:5"


def test_what_stands_in_a_capture_cannot_leave_its_place_in_the_link() -> None:
    links = SourceLinks("https://host/{path}?line={line}&of={function}")
    link = links.of(Frame('a"&b#<c>', '/var/task/x y"><script>?a=b#c.py', -5))
    assert link == ("https://host/x%20y%22%3E%3Cscript%3E%3Fa%3Db%23c.py?line=1&of=a%22%26b%23%3Cc%3E")


@pytest.mark.parametrize(
    "template",
    [
        "https://host/fixed",
        "{path}",
        "host/{path}",
        "javascript:alert({path})",
        "JavaScript:x={line}",
        "https://host/{path.__class__}",
        "https://host/{}",
        "https://host/{file",
        "https://host/{commit}/{path}",
    ],
)
def test_a_template_that_is_none_is_refused(template: str) -> None:
    with pytest.raises(SelectionError, match="--source-url"):
        SourceLinks(template)


def test_sources_are_found_by_the_name_that_is_shown(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "app.py").write_text("# 1\ndef f(): ...\n", encoding="utf-8")
    found = read_sources(profile("/var/task/shop/app.py", "/var/task/other.py"), tmp_path)
    assert found.texts == ["# 1\ndef f(): ...\n"]
    assert found.places == {0: (0, 2)}


def test_a_file_is_read_once_for_all_its_functions(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("x", encoding="utf-8")
    found = read_sources(profile("/var/task/app.py", "/var/task/app.py"), tmp_path)
    assert (len(found.texts), sorted(found.places)) == (1, [0, 1])


def test_a_capture_cannot_ask_for_other_files(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    secret = tmp_path / "secret.py"
    secret.write_text("password", encoding="utf-8")
    (folder / ".env").write_text("password", encoding="utf-8")
    (folder / "link.py").symlink_to(secret)
    asked = (
        str(secret),
        "/var/task/../secret.py",
        "../secret.py",
        "/var/task/.env",
        "/var/task/link.py",
        "/var/task/" + "x" * 5000 + ".py",
        "/var/task/nul\0.py",
        "/etc/passwd",
    )
    assert read_sources(profile(*asked), folder).texts == []


def test_what_is_too_much_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MOST_BYTES", 15)
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text("0123456789", encoding="utf-8")
    assert read_sources(profile("/var/task/a.py", "/var/task/b.py"), tmp_path).places == {0: (0, 2)}
