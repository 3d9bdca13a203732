"""Fetching files from a server on loopback: the right file, or one line and nothing under the final name."""

import hashlib
import json
import tarfile
import zipfile

import pytest
from mirror.server import serve

from pedrank.fetch import download, http
from pedrank.fetch.checksums import Refused, check_fetched
from pedrank.utils.errors import InputError

CONTENT = b"\x80 a checkpoint" * 20_000
FIRST, SECOND = "https://first.org/a.pth", "https://second.org/b.pth"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """Both addresses serve the file; pauses between attempts are short."""
    (tmp_path / "served").write_bytes(CONTENT)
    monkeypatch.setattr(http, "PAUSE", 0.01)
    monkeypatch.setattr(http, "TIMEOUT", 1.0)
    with serve() as running:
        monkeypatch.setenv("PEDRANK_MIRROR", running.address)
        running.files = {FIRST: tmp_path / "served", SECOND: tmp_path / "served"}
        yield running


@pytest.fixture
def fetched(tmp_path, monkeypatch):
    """Download "file.pth" under an entry of the catalogue; returns its bytes."""

    def run(**entry):
        monkeypatch.setattr(download, "sources", lambda: {"file.pth": {"urls": [FIRST, SECOND]} | entry})
        download.download("file.pth", tmp_path / "downloads")
        return (tmp_path / "downloads/file.pth").read_bytes()

    return run


def left(tmp_path):
    """Files under their final names, and records; the folder of partial files and the lock apart."""
    return sorted(path.name for path in (tmp_path / "downloads").glob("[!.]*"))


@pytest.mark.parametrize("checksum", [{}, {"sha256": SHA256}, {"md5": hashlib.md5(CONTENT).hexdigest()[:8]}])
def test_a_good_file_arrives_whole_with_its_record(tmp_path, mirror, fetched, checksum):
    assert fetched(**checksum) == CONTENT
    assert (tmp_path / "downloads/file.pth.sha256").read_text() == f"{SHA256}  file.pth\n"
    assert left(tmp_path) == ["file.pth", "file.pth.sha256", "sha256.json"]
    assert list((tmp_path / "downloads/.parts").iterdir()) == []
    fetched()
    assert mirror.requests == {FIRST: 1}  # never twice


def test_a_dropped_connection_resumes_where_it_broke_off(mirror, fetched):
    mirror.faults[FIRST] = ["drop", "drop"]
    assert fetched() == CONTENT
    assert mirror.requests == {FIRST: 3}
    assert mirror.sent[FIRST] < len(CONTENT) + 2 * 2**16  # no more than a chunk twice


def test_a_killed_download_is_resumed_by_the_next_run(mirror, fetched, monkeypatch):
    mirror.faults[FIRST] = ["drop"] + [404]
    mirror.faults[SECOND] = [404]
    with pytest.raises(InputError, match="answered 404"):
        fetched()
    assert fetched() == CONTENT
    assert mirror.sent[FIRST] < len(CONTENT) + 2**16


def test_what_changed_in_between_is_fetched_anew(tmp_path, mirror, fetched):
    mirror.faults[FIRST] = ["drop", 404]
    mirror.faults[SECOND] = [404]
    with pytest.raises(InputError):
        fetched()
    (tmp_path / "served").write_bytes(b"\x80" + CONTENT)
    assert fetched() == b"\x80" + CONTENT


@pytest.mark.parametrize("fault", [404, "page", "truncate"])
def test_the_next_source_is_tried(mirror, fetched, fault):
    mirror.faults[FIRST] = [fault]
    assert fetched(sha256=SHA256) == CONTENT
    assert mirror.requests == {FIRST: 1, SECOND: 1}


@pytest.mark.parametrize("fault, requests", [(503, 2), ("slow", 1), ("stall", 2), ("encoded", 1)])
def test_a_server_in_trouble_is_waited_for(mirror, fetched, fault, requests):
    mirror.faults[FIRST] = [fault]
    assert fetched() == CONTENT
    assert mirror.requests == {FIRST: requests}


@pytest.mark.parametrize(
    "faults, entry, message",
    [
        ([404], {}, "a.pth answered 404; .*b.pth answered 404; try again, or get it by hand and put it at"),
        ([503] * 5, {}, "a.pth answered 503"),
        (["page"], {}, "a.pth is an HTML page and not the file"),
        ([], {"sha256": "0" * 64}, f"a.pth has the wrong checksum .sha256 {SHA256}, not 000"),
        (["truncate"], {"md5": hashlib.md5(CONTENT).hexdigest()}, "truncated or another file"),
        (
            [],
            {"urls": [], "note": "needs an account"},
            r"by a program; try again, or get it by hand \(needs an account\)",
        ),
    ],
    ids=["404", "503", "page", "checksum", "truncated", "by hand"],
)
def test_failures_are_one_line_and_leave_nothing(tmp_path, mirror, fetched, faults, entry, message):
    mirror.faults = {FIRST: list(faults), SECOND: list(faults)}
    with pytest.raises(InputError, match=message) as error:
        fetched(**entry)
    assert "\n" not in str(error.value)
    assert str(tmp_path / "downloads/file.pth") in str(error.value)
    assert [name for name in left(tmp_path) if name.startswith("file")] == []


def test_a_server_that_is_not_there_is_named(mirror, fetched, monkeypatch):
    monkeypatch.setenv("PEDRANK_MIRROR", "http://127.0.0.1:9")
    with pytest.raises(InputError, match=r"a.pth cannot be reached \(ConnectionError\)"):
        fetched()


def test_a_file_dropped_in_by_hand_is_checked_and_taken(tmp_path, mirror, fetched):
    (tmp_path / "downloads").mkdir()
    (tmp_path / "downloads/file.pth").write_bytes(CONTENT)
    assert fetched(sha256=SHA256) == CONTENT
    assert not mirror.requests
    assert download.recorded_sha256(tmp_path / "downloads/file.pth") == SHA256


def test_an_archive_that_a_browser_unpacked_is_taken_under_its_name(tmp_path):
    """Some browsers unpack a .tar.gz file and leave its name; a known checksum still refuses it."""
    with tarfile.open(tmp_path / "a.tar.gz", "w") as archive:
        archive.add(__file__, "data.py")
    assert len(check_fetched(tmp_path / "a.tar.gz", "a.tar.gz", {})) == 64
    with pytest.raises(Refused, match="has the wrong checksum"):
        check_fetched(tmp_path / "a.tar.gz", "a.tar.gz", {"md5": "0" * 32})
    (tmp_path / "b.tgz").write_bytes(b"no archive" * 100)
    with pytest.raises(Refused, match="does not begin like a .tgz file"):
        check_fetched(tmp_path / "b.tgz", "b.tgz", {})


@pytest.mark.parametrize("content, message", [(b"<html>", "HTML page"), (b"text", "does not begin like a .pth file")])
def test_a_wrong_file_dropped_in_by_hand_is_refused_and_kept(tmp_path, mirror, fetched, content, message):
    (tmp_path / "downloads").mkdir()
    (tmp_path / "downloads/file.pth").write_bytes(content)
    with pytest.raises(InputError, match=f"file.pth: .*{message}.*; delete it and run again"):
        fetched()
    assert left(tmp_path) == ["file.pth"]


def test_content_that_changed_since_it_was_first_seen_is_refused(tmp_path, mirror, fetched):
    fetched()
    (tmp_path / "downloads/file.pth").unlink()
    (tmp_path / "served").write_bytes(CONTENT + b"more")
    with pytest.raises(InputError, match="not the file that was first fetched") as error:
        fetched()
    assert "delete its line in" in str(error.value)
    assert not (tmp_path / "downloads/file.pth").exists()
    known = json.loads((tmp_path / "downloads/sha256.json").read_text())
    assert known == {"file.pth": SHA256}


def test_a_file_that_has_gone_is_asked_for_again(tmp_path, mirror, fetched):
    fetched()
    (tmp_path / "downloads/file.pth").unlink()
    with pytest.raises(InputError, match="no such file; to download it, delete .*file.pth.sha256 and run again"):
        download.recorded_sha256(tmp_path / "downloads/file.pth")


def test_several_files_become_one(tmp_path, mirror, monkeypatch):
    pieces = {"https://x.org/m.index": b"index", "https://x.org/m.data": b"data"}
    for address, content in pieces.items():
        mirror.files[address] = tmp_path / address.rsplit("/", 1)[1]
        mirror.files[address].write_bytes(content)
    monkeypatch.setattr(download, "sources", lambda: {"m.zip": {"urls": [list(pieces)]}})
    mirror.faults["https://x.org/m.data"] = [404]
    with pytest.raises(InputError, match="404"):
        download.download("m.zip", tmp_path / "downloads")
    download.download("m.zip", tmp_path / "downloads")
    with zipfile.ZipFile(tmp_path / "downloads/m.zip") as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {"m.index": b"index", "m.data": b"data"}


def test_an_unknown_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="no catalogue has this file"):
        download.download("what.tar", tmp_path)
