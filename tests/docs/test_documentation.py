"""Every command that the documentation shows runs, every example compiles, every link leads somewhere."""

from __future__ import annotations

from ast import PyCF_ALLOW_TOP_LEVEL_AWAIT
from pathlib import Path

import pytest

from tests.docs.commands import NODE, REPOSITORY, blocks, broken_links, commands, documents, matches, run, run_python
from tests.evm.node import node

WITH_COMMANDS = [document for document in documents() if any(commands(document))]
# What is read first is part of `make test`; `make docs` and `make test-all` run every page.
FIRST = ("README.md", "first-steps.md")


@pytest.mark.parametrize(
    "document",
    [pytest.param(path, marks=() if path.name in FIRST else pytest.mark.slow) for path in WITH_COMMANDS],
    ids=lambda path: path.name,
)
def test_commands_run_and_print_what_is_shown(document: Path, tmp_path: Path) -> None:
    # The commands of one document share a directory, as the reader's do, and a chain.
    shown = list(commands(document))
    if any(NODE in command.text for command in shown):
        with node() as running, running.mining():
            for command in shown:
                run(command, tmp_path, node=running.url)
        return
    for command in shown:
        run(command, tmp_path)


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_links_lead_somewhere_and_python_compiles(document: Path) -> None:
    assert not broken_links(document)
    for block in blocks(document.read_text(encoding="utf-8")):
        if block.language == "python":
            source = "\n".join(block.lines)
            compile(source, f"{document.name}:{block.line}", "exec", PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_python_examples_run(document: Path, tmp_path: Path) -> None:
    for block in blocks(document.read_text(encoding="utf-8")):
        if block.language == "python" and not block.not_run:
            run_python(block, document, tmp_path)


def test_there_are_documents_with_commands() -> None:
    assert WITH_COMMANDS


def test_shown_output_is_compared() -> None:
    assert matches(("accepted", "...", "3 checks in ... ms"), "accepted\none\ntwo\n3 checks in 4 ms\n")
    assert matches(("same",), "same")
    assert not matches(("accepted",), "refused\n")
    assert not matches(("accepted",), "accepted\nand more\n")


def test_a_block_says_why_it_is_not_run() -> None:
    text = "<!-- not run: needs a server -->\n```console\n$ ssi serve\n```\n\n```console\n$ ssi\n```\n"
    assert [block.not_run for block in blocks(text)] == ["needs a server", ""]
