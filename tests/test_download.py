"""Fetching files from a server on loopback: the right file, or one line and nothing under the final name."""

import http.server
import threading

import pytest

from pedrank import download
from pedrank.errors import InputError

CONTENT = b"\x80 a checkpoint" * 1000


@pytest.fixture
def server():
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = {"/good": CONTENT, "/page": b"<!DOCTYPE html><html>sign in</html>"}.get(self.path)
            self.send_response(200 if body else 404)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


@pytest.mark.parametrize(
    "entry, message",
    [
        ({"url": "/missing"}, "cannot be reached"),
        ({"url": "/page"}, "HTML page"),
        ({"url": "/good", "md5": "0" * 32}, "wrong checksum, expected md5:000"),
        (
            {"note": "needs an account"},
            "cannot be fetched by a program \\(needs an account\\); get it by hand and put it at",
        ),
    ],
    ids=["404", "page", "checksum", "by hand"],
)
def test_failures_are_one_line_and_leave_nothing(tmp_path, monkeypatch, server, entry, message):
    entry = {key: f"{server}{value}" if key == "url" else value for key, value in entry.items()}
    monkeypatch.setattr(download, "sources", lambda: {"file": entry})
    with pytest.raises(InputError, match=message) as error:
        download.download("file", tmp_path / "file")
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_a_good_file_arrives_whole(tmp_path, monkeypatch, server):
    monkeypatch.setattr(download, "sources", lambda: {"file": {"url": f"{server}/good"}})
    download.download("file", tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_an_unknown_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="no catalogue names this file"):
        download.download("what.tar", tmp_path / "what.tar")
