"""A mirror on loopback: serves files by their original address behind its own, resumes, and fails when told to."""

from __future__ import annotations

import http.server
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PAGE = b"<!DOCTYPE html>\n<html><title>Sign in</title></html>"


class Mirror:
    """`files` maps an address (https://host/path) to a file; `faults` an address to the failures of its next answers.

    Faults: an HTTP status (404); "drop", which closes the connection in the middle; "page", an HTML page; "truncate",
    half the file as if it were all; "slow", a byte, a pause, the rest; "stall", half the file, and then nothing for a
    while; "encoded", all of it, said to be gzip-encoded, as some servers do with .tgz files.
    """

    def __init__(self) -> None:
        self.files: dict[str, Path] = {}
        self.faults: dict[str, list[Any]] = {}
        self.requests: Counter[str] = Counter()
        self.sent: Counter[str] = Counter()  # bytes by address
        self.address = ""


@contextmanager
def serve() -> Iterator[Mirror]:
    mirror = Mirror()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            address = re.sub(r"^/", "", self.path)
            mirror.requests[address] += 1
            faults = mirror.faults.get(address, [])
            fault = faults.pop(0) if faults else None
            if fault == "page":
                return self.answer(200, PAGE)
            if isinstance(fault, int) or address not in mirror.files:
                return self.answer(fault if isinstance(fault, int) else 404, b"")
            content = mirror.files[address].read_bytes()
            tag = f'"{len(content)}-{hash(content)}"'
            found = re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))
            start = int(found[1]) if found and self.headers.get("If-Range") == tag else 0
            if start and start >= len(content):
                return self.answer(416, b"", {"Content-Range": f"bytes */{len(content)}"})
            body = content[start:]
            if fault == "truncate":
                body = body[: len(body) // 2]
            headers = {"ETag": tag} | ({"Content-Encoding": "x-gzip"} if fault == "encoded" else {})
            if start:
                headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
            self.answer(206 if start else 200, body, headers, fault, address)

        def answer(
            self, status: int, body: bytes, headers: dict[str, str] | None = None, fault: Any = None, address: str = ""
        ) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            half = len(body) // 2
            first, pause, second = {
                "drop": (body[:half], 0, b""),
                "slow": (body[:1], 0.3, body[1:]),
                "stall": (body[:half], 3, b""),
            }.get(fault, (body, 0, b""))
            mirror.sent[address] += len(first) + len(second)
            try:
                self.wfile.write(first)
                time.sleep(pause)
                self.wfile.write(second)
            except OSError:  # the client has given up
                pass
            if fault in ("drop", "stall"):
                self.close_connection = True

        def log_message(self, *arguments: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.daemon_threads = True
        running.block_on_close = False
        threading.Thread(target=running.serve_forever, args=[0.02], daemon=True).start()
        mirror.address = f"http://127.0.0.1:{running.server_port}"
        yield mirror
        running.shutdown()
