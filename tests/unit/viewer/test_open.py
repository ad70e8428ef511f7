"""`viewer open`: what is served, to whom, and what is said where something is missing."""

import http.client
import sys
from urllib.parse import urlsplit

import pytest

from tests.page.sample import order_service
from tests.unit.viewer.builders import capture, fill
from viewer.cli import main
from viewer.load import merge
from viewer.opening.documents import PROFILE, page, speedscope
from viewer.opening.release import find_release
from viewer.opening.site import Document, Site


@pytest.fixture
def site():
    documents = {"": Document(b"<p>page", "text/html"), "data.json": Document(b"{}", "application/json")}
    with Site(documents, "default-src 'none'") as site:
        yield site


@pytest.fixture
def release(tmp_path):
    """Return a folder that looks like speedscope's release."""
    folder = tmp_path / "node_modules" / "speedscope" / "dist" / "release"
    folder.mkdir(parents=True)
    (folder / "index.html").write_text("<html>")
    (folder / "speedscope-X.js").write_text("1")
    return folder


def ask(site, path, *, method="GET", host=None):
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=10)
    try:
        connection.request(method, path, headers={} if host is None else {"Host": host})
        answer = connection.getresponse()
        return answer.status, answer.read(), dict(answer.getheaders())
    finally:
        connection.close()


def test_the_page_and_what_belongs_to_it(site):
    path = urlsplit(site.url).path
    status, body, headers = ask(site, path)
    assert (status, body) == (200, b"<p>page")
    assert headers["Content-Type"] == "text/html"
    assert headers["Content-Security-Policy"] == "default-src 'none'"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert ask(site, f"{path}data.json?x=1")[:2] == (200, b"{}")
    assert ask(site, path, method="HEAD")[:2] == (200, b"")
    assert ask(site, path, host=f"localhost:{site.port}")[0] == 200


@pytest.mark.parametrize(
    "path", ["/", "/data.json", "/x/data.json", "{0}../data.json", "{0}%2e%2e/etc/passwd", "{0}no", "{0}%e9"]
)
def test_without_the_token_there_is_nothing(site, path):
    assert ask(site, path.format(urlsplit(site.url).path))[0] == 404


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "[::1", "10.0.0.1"])
def test_another_host_is_refused(site, host):
    assert ask(site, urlsplit(site.url).path, host=host)[0] in (400, 421)


def test_nothing_but_reading_is_possible(site):
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        assert ask(site, urlsplit(site.url).path, method=method)[0] == 501


def test_every_site_has_a_token_of_its_own():
    with Site({}, "") as one, Site({}, "") as other:
        assert urlsplit(one.url).path != urlsplit(other.url).path
        assert len(urlsplit(one.url).path) > 20
        assert one.url.startswith("http://127.0.0.1:")


def test_our_page_is_the_whole_site():
    opened = page(order_service())
    assert list(opened.documents) == [""]
    assert b"checkout" in opened.documents[""].data


def test_speedscope_gets_the_profile_beside_its_page(release):
    opened = speedscope(order_service(), release)
    assert set(opened.documents) == {"", "index.html", "speedscope-X.js", PROFILE}
    assert opened.documents["speedscope-X.js"].media_type.startswith("text/javascript")
    assert opened.fragment == f"#profileURL={PROFILE}&view=time-ordered"
    merged = merge([capture(1), capture(2)])
    assert speedscope(merged, release).fragment.endswith("left-heavy")


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PROFILER_STORE", raising=False)
    monkeypatch.setattr("shutil.which", lambda name: None)
    fill(tmp_path / "profiles", [capture(1), capture(2)])


def asked(monkeypatch, opens=True):
    """Answer the site's page as a browser would, then press Ctrl-C; return what was seen."""
    seen = []

    def browser(url):
        parts = urlsplit(url)
        connection = http.client.HTTPConnection("127.0.0.1", parts.port, timeout=10)
        connection.request("GET", parts.path)
        seen.append((url, connection.getresponse().read()))
        connection.close()
        return opens

    def ctrl_c(site):
        raise KeyboardInterrupt

    monkeypatch.setattr("webbrowser.open", browser)
    monkeypatch.setattr(Site, "wait", ctrl_c)
    return seen


def test_open_serves_the_page_until_ctrl_c(store, monkeypatch, capsys):
    seen = asked(monkeypatch)
    assert main(["open"]) == 0
    out, err = capsys.readouterr()
    assert out.strip() == seen[0][0]
    assert b"<!doctype html>" in seen[0][1].lower()
    assert "until Ctrl-C" in err


def test_open_says_what_to_do_where_there_is_no_browser(store, monkeypatch, capsys):
    asked(monkeypatch, opens=False)
    assert main(["open"]) == 0
    assert "ssh -L" in capsys.readouterr().err


def test_open_leaves_the_browser_alone_when_told(store, monkeypatch, capsys):
    seen = asked(monkeypatch)
    assert main(["open", "--no-browser", "--last", "2"]) == 0
    assert not seen
    assert capsys.readouterr().out.startswith("http://127.0.0.1:")


def test_open_in_speedscope(store, release, monkeypatch, capsys):
    monkeypatch.setattr("viewer.cli.open.find_release", lambda: release)
    seen = asked(monkeypatch)
    assert main(["open", "--in", "speedscope"]) == 0
    assert seen[0][1] == b"<html>"
    assert "profileURL" in seen[0][0]


def test_where_speedscope_is_absent_one_line_says_how_to_get_it(store, monkeypatch, capsys):
    monkeypatch.setattr("viewer.opening.release.__file__", "/nowhere/release.py")
    assert main(["open", "--in", "speedscope"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "npm install --global speedscope" in error


def test_a_port_that_is_taken_is_one_line(store, site, capsys):
    assert main(["open", "--port", str(site.port)]) == 2
    assert "--port" in capsys.readouterr().err
    assert main(["open", "--port", "0"]) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="npm makes links elsewhere only")
def test_the_release_of_a_global_installation_is_found(release, tmp_path, monkeypatch):
    command = release.parents[1] / "bin" / "cli.mjs"
    command.parent.mkdir()
    command.write_text("")
    link = tmp_path / "bin" / "speedscope"
    link.parent.mkdir()
    link.symlink_to(command)
    monkeypatch.setattr("viewer.opening.release.__file__", "/nowhere/release.py")
    monkeypatch.setattr("shutil.which", lambda name: str(link))
    assert find_release() == release


def test_the_release_beside_a_windows_command_is_found(release, tmp_path, monkeypatch):
    monkeypatch.setattr("viewer.opening.release.__file__", "/nowhere/release.py")
    monkeypatch.setattr("shutil.which", lambda name: str(tmp_path / "speedscope.CMD"))
    assert find_release() == release
