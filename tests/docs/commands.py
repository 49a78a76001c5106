"""Find the commands and links that the documentation shows, and run the commands as a reader would.

Source:  CONTRIBUTING.md, "Commands in the documentation".
Input:   Markdown files; a fenced block marked ``console`` holds lines "$ command" and the output beneath each.
Shapes:  output may be shortened by a line "..."; an expected "..." inside a line stands for any text.
         <!-- not run: reason --> on the line before a block leaves it out, with its reason.
         NODE in a command stands for a node of a chain, which the test starts for the document.
I/O:     ``run`` starts a shell in a directory of its own, with the environment's programs first on PATH.
Errors:  AssertionError that shows the command, what was expected and what came.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

REPOSITORY = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^```(\w*)\s*$")
NOT_RUN = re.compile(r"^<!-- not run: (.+) -->$")
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(#[^)\s]*)?\)")
NAMED = re.compile(r"`((?:ssi|issuer|wallet|verifier|tests|docs|scripts)/[\w/.-]+)`")
SECONDS = 120
NODE = "http://127.0.0.1:8545"


class Command(NamedTuple):
    """One command that a document shows, and the lines that it says come out."""

    document: str
    line: int
    text: str
    output: tuple[str, ...]


class Block(NamedTuple):
    """One fenced block: its language, first line number, lines, and why it is not run ("" if it is)."""

    language: str
    line: int
    lines: tuple[str, ...]
    not_run: str


def documents() -> list[Path]:
    """Return the Markdown files of the project."""
    return sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")])


def blocks(text: str) -> Iterator[Block]:
    """Yield the fenced blocks of a document."""
    language, start, inside, reason = "", 0, False, ""
    collected: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        fence = FENCE.match(line)
        if fence and not inside:
            inside, language, start, collected = True, fence[1], number, []
        elif line.rstrip() == "```" and inside:
            inside = False
            yield Block(language, start, tuple(collected), reason)
            reason = ""
        elif inside:
            collected.append(line)
        elif line.strip():
            found = NOT_RUN.match(line.strip())
            reason = found[1] if found else ""


def commands(document: Path) -> Iterator[Command]:
    """Yield the commands of a document that are to be run."""
    for block in blocks(document.read_text(encoding="utf-8")):
        if block.language != "console" or block.not_run:
            continue
        shown: list[tuple[int, str, list[str]]] = []
        for offset, line in enumerate(block.lines, 1):
            if line.startswith("$ "):
                shown.append((block.line + offset, line[2:], []))
            elif shown and shown[-1][1].endswith("\\"):
                at, text, output = shown[-1]
                shown[-1] = (at, f"{text}\n{line}", output)
            elif shown:
                shown[-1][2].append(line.rstrip())
        for at, text, output in shown:
            yield Command(document.name, at, text, tuple(output))


def run(command: Command, directory: Path, *, node: str = NODE) -> None:
    """Run the command and compare what it prints; a target of make is only looked up, for it may call the tests."""
    text = command.text.replace(NODE, node)
    make = re.fullmatch(r"make(?: [\w=./-]+)*", text)
    shell = ["bash", "-c", f"make -n {text[4:]}" if make and text != "make" else text]
    done = start(shell, REPOSITORY if make else directory)
    where = f"{command.document}:{command.line}: $ {text}"
    says_failure = "echo $?" in text
    assert done.returncode == 0 or says_failure, f"{where}\nexit {done.returncode}\n{done.stdout}"
    if command.output and not make:
        assert matches(command.output, done.stdout), (
            f"{where}\nprinted:\n{done.stdout}\nthe document says:\n" + "\n".join(command.output)
        )


def run_python(block: Block, document: Path, directory: Path) -> None:
    """Run a Python example as a program of its own."""
    done = start([sys.executable, "-c", "\n".join(block.lines)], directory)
    assert done.returncode == 0, f"{document.name}:{block.line}\n{done.stdout}"


def start(command: list[str], directory: Path) -> subprocess.CompletedProcess[str]:
    """Run one program with the environment's programs first on PATH; what it prints on either stream is joined."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        command,
        cwd=directory,
        env={**os.environ, "PATH": path, "COLUMNS": "100"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def matches(expected: tuple[str, ...], printed: str) -> bool:
    """Tell whether what was printed has the form that a document shows."""
    pattern = ""
    for line in expected:
        if line.strip() == "...":
            pattern += r"(?:.*\n)*?"
        else:
            pattern += ".*".join(re.escape(part) for part in line.split("...")) + r"[ \t]*\n"
    return (
        re.fullmatch(pattern.rstrip("\n") + r"\s*", printed if printed.endswith("\n") else printed + "\n") is not None
    )


def broken_links(document: Path) -> list[str]:
    """Return what a document links to or names as a file of the project, and which does not exist."""
    text = document.read_text(encoding="utf-8")
    named = [path for path in NAMED.findall(text) if not (REPOSITORY / path).exists()]
    targets = [found[0] for found in LINK.findall(text) if "://" not in found[0] and not found[0].startswith("mailto:")]
    return [target for target in targets if not (document.parent / target).exists()] + named
