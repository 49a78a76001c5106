"""Compile the contracts of the EVM ledger and write what the package ships: interface, code and code hash.

Source:  ssi/ledger/backends/evm/contracts/MerkleLog.sol; Solidity's standard JSON interface.
Input:   none; ``--check`` compares with the files that are there and writes nothing.
Shapes:  one JSON file for each contract: compiler, settings, abi, creation and run-time code as hexadecimal text, and
         the Keccak-256 of the run-time code, which is what a reader pins.
I/O:     installs npm's solc from the lock file of tests/evm/npm into .interop/evm, runs node, writes package data.
Errors:  SystemExit with the compiler's message; 1 if ``--check`` finds a difference.

The metadata hash is left out of the code, so that the same source gives the same bytes wherever it lies.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
CONTRACTS = REPOSITORY / "ssi" / "ledger" / "backends" / "evm" / "contracts"
NAMES = ("LeafLog", "EntryLog")
SOURCE = "MerkleLog.sol"
SETTINGS = {
    # The oldest rules that chains in use still follow: no opcode is younger than the merge.
    "evmVersion": "paris",
    "optimizer": {"enabled": True, "runs": 100_000},
    "viaIR": True,
    "metadata": {"bytecodeHash": "none", "appendCBOR": False},
}
DRIVER = """
const solc = require('solc');
let text = '';
process.stdin.on('data', (part) => { text += part; });
process.stdin.on('end', () => { process.stdout.write(JSON.stringify([solc.version(), solc.compile(text)])); });
"""


def compile_contracts(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the documents of all contracts, compiled with the solc that is installed in ``folder``."""
    wanted = ["abi", "evm.bytecode.object", "evm.deployedBytecode.object", "evm.deployedBytecode.immutableReferences"]
    request = {
        "language": "Solidity",
        "sources": {SOURCE: {"content": (CONTRACTS / SOURCE).read_text(encoding="utf-8")}},
        "settings": {**SETTINGS, "outputSelection": {SOURCE: dict.fromkeys(NAMES, wanted)}},
    }
    done = subprocess.run(
        [shutil.which("node") or "node", "-e", DRIVER],
        cwd=folder,
        input=json.dumps(request),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"the compiler did not run: {done.stderr.strip()[-1000:]}")
    version, answer = json.loads(done.stdout)
    output = json.loads(answer)
    problems = [problem["formattedMessage"] for problem in output.get("errors", [])]
    if problems:
        raise SystemExit("\n".join(problems))
    return {name: _document(name, version, output["contracts"][SOURCE][name]) for name in NAMES}


def _document(name: str, version: str, compiled: dict[str, Any]) -> dict[str, Any]:
    from eth_utils.crypto import keccak

    evm = compiled["evm"]
    if evm["deployedBytecode"]["immutableReferences"]:
        raise SystemExit(f"{name} has immutable values: its code hash would differ from one deployment to the next")
    runtime = evm["deployedBytecode"]["object"]
    return {
        "contract": name,
        "source": SOURCE,
        "compiler": f"solc {version}",
        "settings": SETTINGS,
        "abi": compiled["abi"],
        "bytecode": evm["bytecode"]["object"],
        "runtime": runtime,
        "code_hash": keccak(hexstr=runtime).hex(),
    }


def text(document: dict[str, Any]) -> str:
    """Return the text of one file."""
    return json.dumps(document, indent=1, ensure_ascii=True) + "\n"


def main(arguments: list[str]) -> int:
    """Write or compare the files."""
    sys.path.insert(0, str(REPOSITORY))
    from tests.evm.npm import installed

    different = []
    for name, document in compile_contracts(installed()).items():
        path = CONTRACTS / f"{name}.json"
        if "--check" not in arguments:
            path.write_text(text(document), encoding="utf-8")
            print(f"{path.name}: {len(document['runtime']) // 2} bytes, code hash {document['code_hash']}")
        elif not path.exists() or path.read_text(encoding="utf-8") != text(document):
            different.append(name)
    for name in different:
        print(f"{name}.json is not what its source compiles to")
    return 1 if different else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
