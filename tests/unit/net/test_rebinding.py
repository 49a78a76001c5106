"""Name servers that change their mind, live: own network namespace, own name server, every connection written down."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests import needs
from tests.unit.net.tls_server import make_authority

REPOSITORY = Path(__file__).resolve().parents[3]
TRIES = 10_002

SETUP = """
set -e
mount --bind "$1" /etc/resolv.conf
ip link set lo up
for address in 8.8.8.8 10.0.0.1 169.254.169.254; do ip address add "$address/32" dev lo; done
shift
exec "$@"
"""


def in_namespace(*command: str, resolv: Path, timeout: float) -> subprocess.CompletedProcess[str]:
    """Run a command as root of new user, network and mount namespaces, with a name server file of its own."""
    wrapped = ["unshare", "-Urnm", "sh", "-c", SETUP, "sh", str(resolv), *command]
    return subprocess.run(wrapped, cwd=REPOSITORY, capture_output=True, text=True, timeout=timeout, check=False)


@pytest.mark.slow
def test_ten_thousand_rebinding_tries_make_no_inner_connection(tmp_path: Path) -> None:
    resolv = tmp_path / "resolv.conf"
    resolv.write_text("nameserver 127.0.0.1\noptions timeout:5 attempts:1\n")
    needs.programs("unshare", "ip")
    if in_namespace("true", resolv=resolv, timeout=20).returncode != 0:
        needs.absent("this system does not allow network namespaces without root")
    ca_file = make_authority(tmp_path, names=["agency.example"]).ca_file
    command = (sys.executable, "-m", "tests.tools.rebinding", str(ca_file), str(TRIES))
    done = in_namespace(*command, resolv=resolv, timeout=300)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    # One question a try; of every six answers two are public only, and only those are dialled.
    assert report["asked"] == TRIES
    assert report["arrived"] == {"8.8.8.8": TRIES // 3}
    assert report["outcome"] == {"ForbiddenUrlError": TRIES * 2 // 3, "UnavailableError": TRIES // 3}
