"""The issuer inside synchronous hosts: a Django view under a prefork server, and job workers."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from issuer import Issuer
from ssi.blocking import Blocking, blocking
from ssi.errors import SsiError
from ssi.status.lists import CredentialState
from tests.flows.hosts.office import close_offices, found_office, open_office, open_verifier
from tests.flows.hosts.server import Server, serving
from verifier import Refused

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
CASES = [f"case-{number}" for number in range(12)]


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("office")
    blocking(found_office)(folder)
    return folder


@pytest.fixture
def folder(founded: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of a founded office, for one test; what the test opens of it is closed after it."""
    yield Path(shutil.copytree(founded, tmp_path / "office"))
    blocking(close_offices)()


@pytest.mark.parametrize("preload", [True, False], ids=["loaded-before-fork", "loaded-by-each-worker"])
def test_django_offers_and_revokes_by_reference(folder: Path, preload: bool) -> None:
    with (
        serving("tests.flows.hosts.django_site:application", folder, workers=3, threads=4, preload=preload) as server,
        ThreadPoolExecutor(12) as clients,
    ):
        wait_for_workers(server, clients)
        issued = list(clients.map(lambda case: server.post(f"/cases/{case}/offer", given_name="Aino"), CASES * 2))
        assert [answer.get("error") for _, answer in issued] == [None] * 24, server.log.read_text()
        loaded_by = {answer["loaded_by"] for _, answer in issued}
        assert loaded_by == {server.process.pid} if preload else server.process.pid not in loaded_by
        identifiers = [answer["id"] for _, answer in issued]
        assert identifiers[:12] == identifiers[12:], "the same reference gave another credential"
        assert len(set(identifiers)) == 12
        assert server.post("/cases/case-0/offer", given_name="Eino")[0] == 409
        assert server.post("/cases/case-99/offer", name="x")[0] == 400
        assert server.post("/cases/case-99/revoke", reason="none")[0] == 404
        survive_a_killed_worker(server, issued[0][1]["worker"])
        revoked = list(
            clients.map(lambda case: server.post(f"/cases/{case}/revoke", reason="moved away"), CASES[:6] * 2)
        )
        assert [answer.get("error") for _, answer in revoked] == [None] * 12, server.log.read_text()
        assert sorted(case for _, answer in revoked for case in answer["references"]) == sorted(CASES[:6])
        assert server.post("/cases/case-0/state")[1]["acts"] == ["revoke"]
        credentials = [answer["credential"] for _, answer in issued[:12]]
    office: Blocking[Issuer] = blocking(open_office)(folder)
    assert office.publish()
    states = [office.state(case) for case in CASES]
    assert states == [CredentialState.REVOKED] * 6 + [CredentialState.VALID] * 6
    verifier = blocking(open_verifier)(folder)
    for number, credential in enumerate(credentials):
        if number < 6:
            with pytest.raises(Refused, match="revoked"):
                verifier.verify(credential, nonce=None)
        else:
            assert verifier.verify(credential, nonce=None).claims == {"given_name": "Aino"}
    office.close()


def wait_for_workers(server: Server, clients: ThreadPoolExecutor) -> None:
    """Go on when more than one worker answers: each imports and opens for itself."""
    end = time.monotonic() + 60
    seen: set[int] = set()
    while len(seen) < 2:
        assert time.monotonic() < end, server.log.read_text()
        seen |= {answer["worker"] for _, answer in clients.map(lambda _: server.post("/ready"), range(12))}


def survive_a_killed_worker(server: Server, worker: int) -> None:
    os.kill(worker, signal.SIGKILL)
    answered = 0
    for _ in range(50):
        try:
            answered += server.post("/cases/case-1/state")[1]["state"] == "VALID"
        except OSError:  # The connection that the killed worker had taken.
            continue
    assert answered > 40


def work(office: Blocking[Issuer] | None, folder: Path, jobs: Connection) -> None:
    """A job worker: takes references from a pipe, revokes them, and answers; it opens the office or inherits it."""
    if office is None:
        office = blocking(open_office)(folder)
    while (reference := jobs.recv()) is not None:
        try:
            jobs.send(list(office.revoke(reference=reference, reason="batch").references))
        except SsiError as exc:
            jobs.send(type(exc).__name__)
    jobs.close()


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_job_workers_revoke_by_reference(folder: Path, method: str) -> None:
    office: Blocking[Issuer] = blocking(open_office)(folder)
    for case in CASES[:4]:
        office.issue("residence", {"given_name": "Aino"}, reference=case)
    context: Any = multiprocessing.get_context(method)
    pipes, processes = [], []
    for _ in range(2):
        ours, theirs = context.Pipe()
        given = office if method == "fork" else None
        process = context.Process(target=work, args=(given, folder, theirs))
        process.start()
        theirs.close()
        pipes.append(ours)
        processes.append(process)
    for number, case in enumerate([*CASES[:4], "unknown"]):
        pipe = pipes[number % 2]
        pipe.send(case)
        assert pipe.poll(40), "the job worker hangs"
        assert pipe.recv() == ("NotFoundError" if case == "unknown" else [case])
    for pipe, process in zip(pipes, processes, strict=True):
        pipe.send(None)
        process.join(30)
        assert process.exitcode == 0
    # The parent's own view goes on, and sees what the workers did.
    assert [office.state(case) for case in CASES[:4]] == [CredentialState.REVOKED] * 4
    office.issue("residence", {"given_name": "Aino"}, reference="case-after")
    office.close()
