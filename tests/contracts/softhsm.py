"""SoftHSM2 tokens for tests: made in a directory of the test run, thrown away with it.

I/O:     runs ``softhsm2-util`` once; sets SOFTHSM2_CONF for this process, which the module reads when it is loaded.
Errors:  ``token_url`` skips the test if SoftHSM2 or ``python-pkcs11`` is absent, and fails it in CI.
"""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import time
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp
from threading import Lock
from typing import Any
from urllib.parse import quote

from ssi.keys import Curve
from ssi.keys.backends.pkcs11 import Pkcs11Kms
from tests.needs import absent

PIN = "4711-geheim"
TOKEN = "registry"
SLOW_SECONDS = 0.02
_PLACES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
)


@lru_cache
def directory() -> Path:
    """Return the directory with one initialised token, its configuration and its PIN file."""
    place = Path(mkdtemp(prefix="softhsm-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    (place / "tokens").mkdir()
    configuration = place / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {place}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
    os.environ["SOFTHSM2_CONF"] = str(configuration)
    (place / "pin").write_text(f"{PIN}\n")
    command = ["softhsm2-util", "--init-token", "--free", "--label", TOKEN, "--so-pin", "87654321", "--pin", PIN]
    subprocess.run(command, check=True, capture_output=True)
    return place


def find_module() -> str | None:
    """Return the path of the SoftHSM2 module if all is there that its tests need."""
    found = next((place for place in _PLACES if Path(place).exists()), None)
    return found if shutil.which("softhsm2-util") and find_spec("pkcs11") else None


def module_path() -> str:
    """Return the path of the SoftHSM2 module, or skip."""
    found = find_module()
    if found is None:
        absent("needs SoftHSM2 (Debian package softhsm2) and python-pkcs11")
    return found


def token_url(prefix: str = "", *, sessions: int = 4, token: str = TOKEN, pin_file: str | None = "pin") -> str:
    """Return the URL of the test token."""
    module = quote(module_path())
    place = directory()
    source = f"&pin-source=file:{quote(str(place / pin_file))}" if pin_file else ""
    objects = f";object-prefix={quote(prefix, safe='')}" if prefix else ""
    return f"pkcs11:token={token}{objects}?module-path={module}{source}&sessions={sessions}"


class SlowKms(Pkcs11Kms):
    """A token that takes 20 ms for a signature, as a module at the other end of a network does.

    ``busiest`` is the largest number of signatures that were awaited at one time.
    """

    def __init__(self, *args: Any, **rules: Any) -> None:
        super().__init__(*args, **rules)
        self.busiest = self._awaited = 0
        self._counting = Lock()

    def _sign_on_token(self, private: Any, curve: Curve, data: bytes) -> bytes:
        with self._counting:
            self._awaited += 1
            self.busiest = max(self.busiest, self._awaited)
        time.sleep(SLOW_SECONDS)
        with self._counting:
            self._awaited -= 1
        return super()._sign_on_token(private, curve, data)
