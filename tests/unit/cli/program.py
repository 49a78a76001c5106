"""Run the program in this process, as click's runner runs a command, and a small town to run it on.

The town is made by the program itself, once for all tests; a test that changes something works on a copy.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

import click
from click.testing import CliRunner

from ssi.cli.program import run

TYPE = "https://town.example/credentials/residence"
AUDIENCE = "https://benefits.example"
NONCE = "nonce-of-the-test"
CLAIMS = {"given_name": "Aino-Kaarina", "address": {"locality": "Kerava", "country": "FI"}}

CATALOGUE = f"""
name = "residence"
vct = "{TYPE}"
types = ["ResidenceCertificate"]
contexts = ["https://www.w3.org/ns/credentials/examples/v2"]
validity_days = 365
formats = ["dc+sd-jwt", "vc+jwt", "ldp_vc"]

[schema]
type = "object"
required = ["given_name"]
properties = {{ given_name = {{ type = "string" }}, address = {{ type = "object" }} }}
"""

SECTIONS = """
[issuer]
organisation = "town"
store = "sqlite:issuer.db"
catalogue = ["residence.toml"]
status_base = "https://town.example/status"
list_entries = 131072

[wallet]
store = "sqlite:wallet.db"
passphrase_file = "wallet-passphrase"
"""

POLICY = """
audience = "{audience}"
holder_binding = "required"
status = "required"
max_list_age_seconds = 86400
contexts = ["https://www.w3.org/ns/credentials/examples/v2"]

[[trust]]
type = "{type}"
accredited = true

[[trust]]
type = "ResidenceCertificate"
accredited = true

[anchoring]
max_staleness_seconds = 86400
max_unanchored_seconds = 0

[registry]
roots = {roots}
keys = {keys}
"""


class Done(NamedTuple):
    """How a run of the program ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def document(self) -> Any:
        """The JSON object that ``--json`` printed."""
        return json.loads(self.stdout)


class _Program(click.Command):
    def main(self, args: Any = None, *_: Any, **__: Any) -> Any:
        raise SystemExit(run(args))


def ssi(*arguments: object, stdin: str | bytes | None = None, env: dict[str, str] | None = None) -> Done:
    """Run ``ssi`` with these arguments."""
    result = CliRunner().invoke(_Program("ssi"), [str(argument) for argument in arguments], input=stdin, env=env)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return Done(result.exit_code, result.stdout, result.stderr)


class Town:
    """A folder with a ledger, an agency, a wallet and a project file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __truediv__(self, name: str) -> Path:
        return self.folder / name

    def ssi(self, *arguments: object, **more: Any) -> Done:
        """Run a command on the town's project."""
        return ssi(*arguments, "--project", self / "ssi.toml", **more)

    def ok(self, *arguments: object, **more: Any) -> Any:
        """Run a command with ``--json`` that has to work, and return its document."""
        done = self.ssi(*arguments, "--json", **more)
        assert done.code == 0, (arguments, done)
        return done.document

    def build(self) -> Town:
        """Found the ledger, enrol the agency, and write the files that the roles need."""
        (self / "passphrase").write_text("of the keys\n")
        (self / "wallet-passphrase").write_text("of the wallet\n")
        (self / "residence.toml").write_text(CATALOGUE)
        (self / "claims.json").write_text(json.dumps(CLAIMS))
        founded = self.ok(
            *("ledger", "found", "--origin", "log.example", "--name", "ministry", "--domain", "ministry.example"),
            *("--keys", self / "keys.json", "--passphrase-file", self / "passphrase"),
        )
        self.ok("did", "create", "town", "--domain", "town.example")
        self.ok("ledger", "enrol", "town", "--by", "ministry", "--type", TYPE, "--type", "ResidenceCertificate")
        with (self / "ssi.toml").open("a") as file:
            file.write(SECTIONS)
        keys = {"roots": json.dumps([founded["root"]]), "keys": json.dumps([founded["checkpoint_key"]])}
        (self / "policy.toml").write_text(POLICY.format(audience=AUDIENCE, type=TYPE, **keys))
        return self

    def shown(self) -> Town:
        """Issue two credentials, show each, and write the offline folder."""
        self.present(self.issue("case-17"), "address.locality").rename(self / "sd-jwt.presentation")
        self.present(self.issue("case-18", "--format", "vc+jwt")).rename(self / "vp-jwt.presentation")
        self.export()
        return self

    def did(self, name: str) -> str:
        """Return the DID of an organisation of the project."""
        return str(tomllib.loads((self / "ssi.toml").read_text())["organisations"][name]["did"])

    def issue(self, reference: str, *more: str, claims: str = "claims.json") -> str:
        """Issue a credential to a new key of the wallet, keep it, and return the card's id."""
        key = self.ok("wallet", "new-key")["key"]
        issued = self.ok(
            "issue", "residence", "--claims", self / claims, "--reference", reference, "--holder", key, *more
        )
        card: str = self.ok("wallet", "add", "-", stdin=issued["credential"])["card"]
        return card

    def present(self, card: str, *claims: str, nonce: str = NONCE) -> Path:
        """Show claims of a card, or the whole if none is named; return the file."""
        chosen = [part for claim in claims for part in ("--claim", claim)] or ["--whole"]
        file = self / f"{card}.presentation"
        self.ok("wallet", "present", card, *chosen, "--audience", AUDIENCE, "--nonce", nonce, "--out", file)
        return file

    def export(self) -> Path:
        """Write the offline folder."""
        self.ok("publish", "--out", self / "lists")
        self.ok("ledger", "export", self / "offline", "--lists", self / "lists")
        return self / "offline"

    def verify(self, file: Path, *more: str | Path) -> Done:
        """Verify a presentation from the offline folder."""
        arguments = ["--policy", self / "policy.toml", "--nonce", NONCE, "--offline", self / "offline", "--json"]
        return ssi("verify", file, *arguments, *more)
