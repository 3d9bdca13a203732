"""Ctrl-C while a workflow is planned: one line instead of a traceback of whatever was being computed."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType


def stop_in_one_line(running: Callable[[], bool]) -> None:
    """End this process in one line on Ctrl-C, as long as no jobs run; afterwards Ctrl-C raises KeyboardInterrupt again.

    Nothing is changed where Ctrl-C is ignored, as in a background job of a shell, or outside the main thread.

    Args:
        running: Whether jobs run.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        if running():
            signal.default_int_handler(number, frame)
        print("stopped before any job started; run the same command to continue", file=sys.stderr, flush=True)
        os._exit(128 + signal.SIGINT)

    main_thread = threading.current_thread() is threading.main_thread()
    if main_thread and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, stop)
