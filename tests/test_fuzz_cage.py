"""The cage itself: what a reader may not do is seen."""

import faulthandler
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from fuzz.cage import caged

from pedrank.utils.errors import InputError


def refuse(message):
    raise InputError(message)


DEEDS = {
    "another exception": (lambda folder: 1 / 0, "raised: .*ZeroDivisionError"),
    "a message that names nothing": (lambda folder: refuse("bad"), "bad"),
    "a file elsewhere": (lambda folder: Path(folder.parent, folder.name + "x").touch(), "did: .*opened .* to write"),
    "a folder elsewhere": (lambda folder: os.mkdir(f"{folder}x/y"), "did: .*os.mkdir"),
    "a file left": (lambda folder: Path(folder, "left").touch(), "left {'left'}"),
    "a program": (lambda folder: subprocess.run([sys.executable, "-c", ""]), "did: .*subprocess.Popen"),
    "a shell": (lambda folder: os.system("true"), "did: .*os.system"),
    "a connection": (lambda folder: socket.socket(), "did: .*socket"),
    "code": (lambda folder: eval("1 + 1"), "did: .*ran code of <string>"),
    "memory": (lambda folder: bytearray(500 * 2**20), "took .* MB"),
    "a crash": (lambda folder: (faulthandler.disable(), os.abort()), "crashed: status 6"),
}


@pytest.mark.parametrize("deed", DEEDS)
def test_what_a_reader_may_not_do_is_seen(deed, monkeypatch):
    call, message = DEEDS[deed]
    with pytest.raises(AssertionError, match=f"(?s){message}"):
        caged("the cage", {"input.csv": b""}, call)


def test_what_has_no_end_is_ended(monkeypatch):
    monkeypatch.setattr("fuzz.cage.LIMIT", 1)
    monkeypatch.setattr("fuzz.cage.PATIENCE", 3)

    def compute(folder):
        while True:
            pass

    for call in (compute, lambda folder: time.sleep(100)):
        with pytest.raises(AssertionError, match="hung: no end after"):
            caged("the cage", {"input.csv": b""}, call)
