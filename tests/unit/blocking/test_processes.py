"""Views across processes: forked, spawned, and ending."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import threading
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from ssi.blocking import Blocking, blocking, unwrap
from ssi.errors import UsageError
from tests.unit.blocking.facades import Desk, open_desk

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
REPOSITORY = Path(__file__).resolve().parents[3]
OPENED: list[Blocking[Desk]] = []


def child(pipe: Connection) -> None:
    """Use what the parent opened, from several threads at once."""
    try:
        found: list[object] = []
        for desk in OPENED:
            threads = [threading.Thread(target=lambda d=desk: found.append(d.process())) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            found.append(desk.place)
        for refused in (blocking_created, blocking_instance):
            try:
                refused.add(1)
            except UsageError as exc:
                found.append(str(exc))
        pipe.send(found)
    finally:
        pipe.close()


blocking_created: Blocking[Desk]
blocking_instance: Blocking[Desk]


def test_a_forked_process_opens_again() -> None:
    global blocking_created, blocking_instance
    OPENED[:] = [blocking(Desk)("hall"), blocking(Desk).open("cellar"), blocking(open_desk)("yard")]
    blocking_created = blocking(Desk).create("attic")
    blocking_instance = blocking(unwrap(OPENED[0]))
    context = multiprocessing.get_context("fork")
    for _ in range(3):
        ours, theirs = context.Pipe()
        process = context.Process(target=child, args=(theirs,))
        process.start()
        theirs.close()
        assert ours.poll(20), "the forked process hangs"
        found = ours.recv()
        process.join(20)
        assert process.exitcode == 0
        pid = process.pid
        assert found[:-2] == [*[pid] * 8, "hall", *[pid] * 8, "cellar", *[pid] * 8, "yard"]
        assert all("before the process forked" in text for text in found[-2:])
    # The parent's loop is as it was, and still wakes up.
    assert [desk.process() for desk in OPENED] == [os.getpid()] * 3
    assert blocking_created.add(1) == 1


def spawned(pipe: Connection) -> None:
    pipe.send((blocking(Desk).open("hall").process(), os.getpid()))
    pipe.close()


def test_a_spawned_process_has_a_loop_of_its_own() -> None:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=spawned, args=(theirs,))
    process.start()
    theirs.close()
    assert ours.poll(30), "the spawned process hangs"
    seen, pid = ours.recv()
    process.join(30)
    assert seen == pid == process.pid


@pytest.mark.parametrize(
    ("program", "printed"),
    [
        ("desk.add(1)", ""),
        ("threading.Thread(target=desk.quiet, daemon=True).start(); time.sleep(0.2)", "cancelled"),
        ("numbers = desk.numbers(5); next(numbers)", ""),
        ("atexit.register(lambda: print(desk.add(41, to=1)))", "42"),
        ("os.fork() or desk.add(1)", ""),
    ],
)
def test_the_end_of_the_interpreter_is_clean(program: str, printed: str) -> None:
    start = """
import atexit, os, threading, time
from ssi.blocking import blocking
from tests.unit.blocking.facades import Desk
class Loud(Desk):
    async def quiet(self):
        try:
            await self.forever()
        finally:
            print("cancelled", flush=True)
threading.excepthook = lambda _: None  # The caller's own thread sees a UsageError, if it lives long enough.
desk = blocking(Loud).open("hall")
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-W", "ignore::DeprecationWarning", "-X", "dev", "-c", start + program],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert done.stdout.strip() == printed
    assert done.stderr == ""


def test_importing_it_loads_no_asyncio() -> None:
    program = "import sys, ssi.blocking\nprint('asyncio' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
