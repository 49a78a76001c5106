"""The program as a whole: how it ends, what it prints, where passphrases come from, how packages join it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import click
import pytest

from ssi import errors
from ssi.cli import program as ssi_program
from ssi.cli.exits import BAD_INPUT, COULD_NOT_CHECK, REFUSED, exit_code, failure
from ssi.cli.output import Output, Table, facts, plain
from ssi.cli.project import Project
from tests.unit.cli.program import Town, ssi

COMMANDS = {
    "demo",
    "did",
    "issue",
    "ledger",
    "publish",
    "reissue",
    "revoke",
    "suspend",
    "unsuspend",
    "verify",
    "wallet",
}


def real(*arguments: object, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run the installed program."""
    command = [sys.executable, "-c", "from ssi.cli import main; main()", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **more)


def test_help_lists_the_commands_of_all_packages() -> None:
    done = ssi("--help")
    assert done.code == 0
    assert {line.split()[0] for line in done.stdout.partition("Commands:")[2].splitlines() if line.strip()} >= COMMANDS
    assert "export" in ssi("ledger", "--help").stdout
    for name in COMMANDS:
        assert ssi(name, "--help").code == 0


@pytest.mark.parametrize("arguments", [["no-such-command"], ["verify"], ["ledger", "audit", "--unknown"], ["ledger"]])
def test_a_wrong_call_is_two(arguments: list[str]) -> None:
    assert ssi(*arguments).code == 2


def test_a_wrong_call_is_told_to_programs_as_json() -> None:
    assert ssi("verify", "--json").document["outcome"] == "bad input"


def test_a_fresh_process_ends_with_the_same_codes(built_town: Town, tmp_path: Path) -> None:
    project = ["--project", built_town / "ssi.toml"]
    assert real("ledger", "audit", *project).returncode == 0
    (tmp_path / "people.json").write_text(json.dumps([{"domain": "town.example"}]))
    found = real("ledger", "privacy-check", "--people", tmp_path / "people.json", *project)
    assert (found.returncode, found.stderr) == (1, "")
    missing = real("ledger", "audit", "--ledger", tmp_path / "none.db", "--root", "did:web:a.example")
    assert missing.returncode == 2
    assert missing.stdout == ""
    assert missing.stderr.startswith("bad input: ")


def test_resolving_over_a_dead_network_is_three(tmp_path: Path) -> None:
    (tmp_path / "ssi.toml").write_text('[network]\nproxy = "http://127.0.0.1:9"\n')
    done = ssi("did", "resolve", "did:web:town.example", "--project", tmp_path / "ssi.toml", "--json")
    assert (done.code, done.document["outcome"]) == (3, "could not check")


def every_error() -> list[type[errors.SsiError]]:
    found, waiting = [], [errors.SsiError]
    while waiting:
        kind = waiting.pop()
        found.append(kind)
        waiting += [each for each in kind.__subclasses__() if each.__module__ == "ssi.errors"]
    return found


@pytest.mark.parametrize("kind", every_error())
def test_every_error_of_the_tree_has_an_exit_code(kind: type[errors.SsiError]) -> None:
    made: dict[type[errors.SsiError], errors.SsiError] = {
        errors.RpcError: errors.RpcError(1, "m"),
        errors.GuardError: errors.GuardError("G01", "m"),
        errors.ForkError: errors.ForkError("m", b"{}"),
        errors.SizeConflictError: errors.SizeConflictError("m", 3),
        errors.BrokenEntryError: errors.BrokenEntryError(3, "m"),
        errors.JsonLdError: errors.JsonLdError("code", "m"),
        errors.ProtocolError: errors.ProtocolError("code", "m"),
    }
    error = made[kind] if kind in made else kind("m")
    assert exit_code(error) in (REFUSED, BAD_INPUT, COULD_NOT_CHECK)
    said = failure(error)
    assert said["reason"]
    assert ("check" in said) == (exit_code(error) != BAD_INPUT)


def test_the_check_of_a_refusal_is_named() -> None:
    assert failure(errors.GuardError("G07", "no"))["check"] == "G07"
    assert failure(errors.InvalidSignatureError("no"))["check"] == "invalid signature"
    assert failure(errors.BrokenEntryError(4, "no"))["entry"] == 4


def test_a_defect_is_never_a_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("planted")

    monkeypatch.setattr("ssi.cli.session.Session.ledger", fail)
    done = ssi("ledger", "audit", "--json")
    assert (done.code, done.document["check"]) == (3, "program")


def test_a_plug_in_joins_and_a_broken_one_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    group = ssi_program.ENTRY_POINTS
    added = {
        "hello": EntryPoint("hello", "tests.unit.cli.test_program:hello", group),
        "ledger.hello": EntryPoint("ledger.hello", "tests.unit.cli.test_program:hello", group),
        "broken": EntryPoint("broken", "no.such.module:command", group),
        "ledger.audit": EntryPoint("ledger.audit", "tests.unit.cli.test_program:hello", group),
    }
    monkeypatch.setattr(ssi_program, "_entry_points", lambda: added)
    assert ssi("hello").stdout == "hello\n"
    assert ssi("ledger", "hello").stdout == "hello\n"
    assert ssi("ledger", "audit", "--help").stdout.count("broken entry") == 1, "the core's own command stays"
    assert ssi("--help").code == 0
    done = ssi("broken")
    assert done.code == 2
    assert "cannot be loaded" in done.stderr


@click.command()
def hello() -> None:
    """Say hello."""
    click.echo("hello")


def test_no_option_takes_a_passphrase() -> None:
    """What stands on a command line is read by every process of the machine."""

    def options(command: click.Command, path: str) -> list[str]:
        found = [name for param in command.params for name in param.opts if "pass" in name or "secret" in name]
        if isinstance(command, click.Group):
            context = click.Context(command)
            for name in command.list_commands(context):
                below = command.get_command(context, name)
                assert below is not None
                found += options(below, f"{path} {name}")
        return found

    found = set(options(ssi_program.program, "ssi"))
    assert {"--passphrase-file", "--passphrase-env"} <= found
    assert [name for name in found if not name.endswith(("passphrase-file", "passphrase-env"))] == []


def test_passphrases_come_from_a_variable_or_a_file(town: Town, tmp_path: Path) -> None:
    wallet = ["wallet", "list", "--wallet", town / "wallet.db"]
    assert ssi(*wallet, "--passphrase-file", town / "wallet-passphrase").code == 0
    assert ssi(*wallet, "--passphrase-env", "WALLET", env={"WALLET": "of the wallet"}).code == 0
    assert ssi(*wallet, "--passphrase-env", "WALLET", env={"WALLET": "another"}).code == 1
    assert ssi(*wallet, "--passphrase-env", "NO_SUCH").code == 2
    assert ssi(*wallet, "--passphrase-file", tmp_path / "none").code == 2
    assert ssi(*wallet).code == 2, "nobody is there to be asked"
    (tmp_path / "empty").write_text("\n")
    assert ssi(*wallet, "--passphrase-file", tmp_path / "empty").code == 2


def test_what_strangers_wrote_does_not_reach_the_terminal_as_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "a\x1b[2Jb\u202ec\r\nd[bold]"
    assert plain(hostile) == "a\\u001b[2Jb\\u202ec\\u000d\\u000ad[bold]"
    output = Output(as_json=False)
    output.tables([facts(hostile, {hostile: hostile}), Table(hostile, [[hostile]], (hostile,))])
    output.failure({"outcome": "refused", "check": hostile, "reason": hostile})
    printed = capsys.readouterr()
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u202e]", printed.out + printed.err)
    assert "[bold]" in printed.out


def test_the_project_file_says_what_is_wrong_with_it(tmp_path: Path) -> None:
    file = tmp_path / "ssi.toml"
    for text in ("[ledger", "[ledger]\nurl = 3\n", '[keys]\npassphrase = "secret"\n', "\xff"):
        file.write_text(text, encoding="latin-1")
        done = ssi("ledger", "show", "--project", file, "--json")
        assert done.code == 2
        assert "ssi.toml" in done.document["reason"]
        assert "secret" not in done.document["reason"]
    assert ssi("ledger", "show", "--project", tmp_path / "none.toml").code == 2


def test_what_is_added_to_the_project_file_reads_back(tmp_path: Path) -> None:
    project = Project.load(str(tmp_path / "ssi.toml"), may_be_absent=True)
    odd = 'quotes " and \\ and \x7f, ä, 😀\t'
    project.append("ledger", {"origin": odd, "roots": [odd, "b"]})
    project.append("organisations.town", {"did": "did:web:a.example", "log": odd})
    again = Project.load(str(tmp_path / "ssi.toml"))
    assert (again.ledger.origin, again.ledger.roots) == (odd, (odd, "b"))
    assert again.organisation("town").log == odd


def test_a_reader_who_goes_away_is_no_defect(built_town: Town) -> None:
    command = [sys.executable, "-c", "from ssi.cli import main; main()", "ledger", "show", "--json"]
    started = subprocess.Popen(
        [*command, "--project", str(built_town / "ssi.toml")], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert started.stdout is not None
    assert started.stderr is not None
    started.stdout.close()
    assert b"Traceback" not in started.stderr.read()
    started.stderr.close()
    assert started.wait(60) in (0, 3)


def test_import_of_the_program_stays_cheap() -> None:
    from tests.unit.import_cost import loaded_modules

    loaded = loaded_modules("import ssi.cli.program")
    assert not {"rich", "aiohttp", "pydid", "jsonschema", "sqlite3"} & loaded
