"""A key ceremony between two folders that share nothing but files.

``online`` has the ledger and the keys that work every day; ``offline`` has the root keys of a town, and its commands
are started without the right to open a connection. Three officers have folders of their own. What crosses is copied,
file by file. In the end a stranger verifies the transcripts, with nothing but them and the charter.

Run it with ``python -m examples.ceremony``; it needs no server and no network.
"""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
import sys
from pathlib import Path

OFFICERS = ("aalto", "borg", "cederberg")
NO_NETWORK = """
import sys
def refuse(event, arguments):
    if event in ("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.sendto"):
        raise SystemExit("this machine has no network")
sys.addaudithook(refuse)
"""
PROGRAM = "from ssi.cli import main; main()"


class Place:
    """A folder with a machine in it: commands run there and see nothing else."""

    def __init__(self, folder: Path, *, network: bool) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self._program = PROGRAM if network else NO_NETWORK + PROGRAM
        (folder / "passphrase").write_text(secrets.token_urlsafe(24))
        (folder / "ssi.toml").write_text('[keys]\nstore = "file:keys.json"\npassphrase_file = "passphrase"\n')

    def ssi(self, *arguments: str, refused: bool = False) -> dict[str, str]:
        """Run the program in this folder and return what it says; anything but the expected end is an error."""
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-c", self._program, *arguments, "--json"],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != (1 if refused else 0):
            raise AssertionError(f"ssi {' '.join(arguments)}: {done.stdout}{done.stderr}")
        said: dict[str, str] = json.loads(done.stdout)
        return said

    def give(self, name: str, *others: Place) -> None:
        """Carry a file to others, on a stick."""
        for other in others:
            shutil.copy(self.folder / name, other.folder / name)


def hold(online: Place, offline: Place, officers: dict[str, Place], number: int, *prepare: str) -> dict[str, str]:
    """Hold one ceremony with the given officers and return what came of it."""
    after = ("--after", f"transcript-{number - 1}.json") if number > 1 else ()
    asked = online.ssi("ceremony", "prepare", *prepare, "--charter", "charter.json", *after, "--out", "request.json")
    online.give("request.json", offline, *officers.values())
    names = []
    for name, officer in officers.items():
        file = f"{name}.json"
        names.append(file)
        officer.ssi(
            *("ceremony", "approve", "request.json", "--charter", "charter.json", "--as", name),
            *("--digest", asked["digest"], "--out", file),
        )
        officer.give(file, offline)
    sign = ("ceremony", "sign", "request.json", "--charter", "charter.json", "--memory", "memory")
    few = offline.ssi(*sign, names[0], "--out", "signed.json", refused=True)
    print(f"   with one approval: refused, {few['reason']}")
    offline.ssi(*sign, *names, "--out", "signed.json")
    again = offline.ssi(*sign, *names, "--out", "signed.json", refused=True)
    print(f"   a second time: refused, {again['reason']}")
    offline.give("signed.json", online)
    out = f"transcript-{number}.json"
    finish = ("ceremony", "finish", "signed.json", "--charter", "charter.json", "--out", out)
    done = online.ssi(*finish)
    assert online.ssi(*finish).get("entry") == done.get("entry"), "to finish again changes nothing"
    return done


def main(folder: Path) -> None:
    online, offline = Place(folder / "online", network=True), Place(folder / "offline", network=False)
    officers = {name: Place(folder / name, network=False) for name in OFFICERS}
    stranger = Place(folder / "stranger", network=False)

    print("1. Everybody makes a key, and the charter names them")
    keys = {name: place.ssi("ceremony", "key", name)["key"] for name, place in officers.items()}
    named = [text for name in OFFICERS for text in ("--officer", f"{name}={keys[name]}")]
    coordinator = online.ssi("ceremony", "key", "coordinator")["key"]
    machine = offline.ssi("ceremony", "key", "machine")["key"]
    said = online.ssi(
        *("ceremony", "charter", "town", "--coordinator", coordinator, "--machine", machine, *named),
        *("--threshold", "2", "--out", "charter.json"),
    )
    online.give("charter.json", offline, stranger, *officers.values())
    print(f"   {said['approvals']} officers must approve; the charter's digest is {said['digest']}")

    print("2. The first line of the town's DID")
    two = {name: officers[name] for name in OFFICERS[:2]}
    made = hold(online, offline, two, 1, "first-line", "--domain", "town.example")
    print(f"   {made['did']}, approved by {made['approved by']}")

    print("3. A ministry founds a ledger and takes the town on it")
    online.ssi("ledger", "found", "--origin", "log.example", "--name", "ministry", "--domain", "ministry.example")
    online.ssi("ledger", "enrol", "town", "--by", "ministry", "--type", "https://town.example/residence")

    print("4. A new key for credentials, and with it the next update key")
    others = {name: officers[name] for name in OFFICERS[1:]}
    made = hold(online, offline, others, 2, "rotate", "--purpose", "credential")
    print(f"   version {made['versionId'].partition('-')[0]} is entry {made['entry']} of the ledger")

    print("5. The key of the ledger's checkpoints")
    made = hold(online, offline, two, 3, "checkpoint-key", "--label", "log.example/checkpoint")
    print(f"   {made['checkpoint key']}")

    print("6. A stranger verifies, with the charter and the transcripts")
    for number in (1, 2, 3):
        online.give(f"transcript-{number}.json", stranger)
        after = ("--after", f"transcript-{number - 1}.json") if number > 1 else ()
        proved = stranger.ssi("ceremony", "verify", f"transcript-{number}.json", "--charter", "charter.json", *after)
        print(f"   ceremony {proved['ceremony']}: {proved['needed']} needed, approved by {proved['approved by']}")
    report = online.ssi("ledger", "audit")
    print(f"   and the ledger's audit: {report['outcome']}")


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else ".ceremony")
    shutil.rmtree(target, ignore_errors=True)
    main(target)
