"""Record the digests of every edition of the W3C's contexts: ssi/credentials/editions.json.

An issuer may have pinned an older edition of a context by digest (``relatedResource``); its bytes are not shipped, its
digests are. Run with a folder that holds clones of the repositories named below:

    git clone https://github.com/w3c/vc-data-model FOLDER/vc-data-model      (and the others)
    python scripts/record_editions.py FOLDER
"""

from __future__ import annotations

import json
import subprocess
import sys
from base64 import b64encode
from hashlib import sha256, sha384, sha512
from pathlib import Path

TARGET = Path(__file__).parents[1] / "ssi/credentials/editions.json"
CONTEXTS = {
    "https://www.w3.org/2018/credentials/v1": ("vc-data-model", ("contexts/credentials/v1",)),
    "https://www.w3.org/ns/credentials/v2": ("vc-data-model", ("contexts/credentials/v2",)),
    "https://w3id.org/security/data-integrity/v1": (
        "vc-data-integrity",
        ("contexts/data-integrity/v1", "contexts/data-integrity/v1.jsonld"),
    ),
    "https://w3id.org/security/data-integrity/v2": (
        "vc-data-integrity",
        ("contexts/data-integrity/v2", "contexts/data-integrity/v2.jsonld"),
    ),
    "https://w3id.org/security/multikey/v1": (
        "vc-data-integrity",
        ("contexts/multikey/v1", "contexts/multikey/v1.jsonld"),
    ),
    "https://w3id.org/security/jwk/v1": ("vc-data-integrity", ("contexts/jwk/v1", "contexts/jwk/v1.jsonld")),
    "https://www.w3.org/ns/credentials/status/v1": ("vc-bitstring-status-list", ("contexts/v1.jsonld",)),
    "https://www.w3.org/ns/cid/v1": ("cid", ("context/v1.jsonld",)),
}


def main(folder: Path) -> None:
    """Write the file anew."""
    editions = {url: _editions(folder / repo, paths) for url, (repo, paths) in CONTEXTS.items()}
    TARGET.write_text(json.dumps(editions, indent=1) + "\n", encoding="utf-8")


def _editions(clone: Path, paths: tuple[str, ...]) -> list[dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for path in paths:
        for line in _git(clone, "log", "--reverse", "--format=%H %cs", "--", path).decode().splitlines():
            commit, date = line.split()
            try:
                data = _git(clone, "show", f"{commit}:{path}")
            except subprocess.CalledProcessError:
                continue  # the commit removed it
            edition = {"date": date, "sha256": sha256(data).hexdigest()}
            edition |= {kind().name: b64encode(kind(data).digest()).decode() for kind in (sha384, sha512)}
            found.setdefault(edition["sha256"], edition)
    if not found:
        raise SystemExit(f"no edition of {paths[0]} in {clone}")
    return sorted(found.values(), key=lambda edition: edition["date"])


def _git(clone: Path, *arguments: str) -> bytes:
    return subprocess.run(["git", "-C", clone, *arguments], check=True, capture_output=True).stdout  # noqa: S607


if __name__ == "__main__":
    main(Path(sys.argv[1]))
