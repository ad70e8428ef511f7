"""What a file belongs to, and how it is spoken of."""

from __future__ import annotations

from pathlib import Path

import pytest

from viewer.modules import FROZEN, NATIVE, OWN, PACKAGE, STDLIB, classify, short_file


@pytest.mark.parametrize(
    ("file", "belongs", "short"),
    [
        ("/var/task/app.py", (OWN, "app"), "app.py"),
        ("/var/task/orders/pricing.py", (OWN, "pricing"), "orders/pricing.py"),
        ("/opt/python/boto3/session.py", (PACKAGE, "boto3"), "boto3/session.py"),
        ("/var/runtime/awslambdaric/bootstrap.py", (PACKAGE, "awslambdaric"), "awslambdaric/bootstrap.py"),
        ("/opt/python/lib/python3.12/site-packages/six.py", (PACKAGE, "six"), "six.py"),
        ("/usr/lib/python3/dist-packages/yaml/reader.py", (PACKAGE, "yaml"), "yaml/reader.py"),
        ("/var/lang/lib/python3.12/json/decoder.py", (STDLIB, "json"), "json/decoder.py"),
        ("/usr/lib64/python3.9/re.py", (STDLIB, "re"), "re.py"),
        ("C:\\Python312\\Lib\\json\\decoder.py", (STDLIB, "json"), "json/decoder.py"),
        ("C:\\work\\.venv\\Lib\\site-packages\\yaml\\reader.py", (PACKAGE, "yaml"), "yaml/reader.py"),
        ("<frozen importlib._bootstrap>", (FROZEN, "frozen"), "<frozen importlib._bootstrap>"),
        ("<string>", (NATIVE, "native"), "<string>"),
        ("", (NATIVE, "native"), ""),
        ("/home/someone/shop/app.py", (OWN, "app"), "shop/app.py"),
        ("app.py", (OWN, "app"), "app.py"),
    ],
)
def test_a_file_is_known_by_where_it_lies(file: str, belongs: tuple[str, str], short: str) -> None:
    assert classify(file) == belongs
    assert short_file(file) == short


def test_the_working_folder_goes_without_saying(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert short_file(f"{tmp_path}/deep/below/app.py") == "deep/below/app.py"
