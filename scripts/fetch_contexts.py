"""Write the bundled JSON-LD contexts anew, from the registry packages that publish them.

Needs ``npm`` on the path and the npm registry. Every package is fetched at the version named here; nothing of it is
run. What is written below ``ssi/encoding/jsonld/data``: ``<name>.json`` as the package has it, ``index.json`` with our
digests and those of the published editions, and each package's licence. A changed digest shows in the diff and is for a
person to judge.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

REPOSITORY = Path(__file__).resolve().parents[1]
DATA = REPOSITORY / "ssi" / "encoding" / "jsonld" / "data"


class Source(NamedTuple):
    """Where one context comes from: its URL, our file name, the package and the path in it."""

    url: str
    name: str
    package: str
    path: str


VC = "@digitalbazaar/credentials-context@3.2.0"
DI = "@digitalbazaar/data-integrity-context@2.0.1"
CITIZENSHIP = "@digitalbazaar/citizenship-context@4.1.0"
SOURCES = (
    Source("https://www.w3.org/2018/credentials/v1", "credentials-v1", VC, "contexts/v1.jsonld"),
    Source("https://www.w3.org/ns/credentials/v2", "credentials-v2", VC, "contexts/v2.jsonld"),
    Source(
        "https://www.w3.org/ns/credentials/undefined-terms/v2",
        "credentials-undefined-terms-v2",
        VC,
        "contexts/undefined-terms-v2.jsonld",
    ),
    Source(
        "https://www.w3.org/2018/credentials/examples/v1",
        "credentials-examples-v1",
        "@digitalbazaar/credentials-examples-context@1.0.0",
        "contexts/credentials-examples-v1.jsonld",
    ),
    # The examples refer to it.
    Source("https://www.w3.org/ns/odrl.jsonld", "odrl", "@digitalbazaar/odrl-context@1.0.0", "contexts/odrl.jsonld"),
    Source("https://w3id.org/security/data-integrity/v1", "data-integrity-v1", DI, "contexts/data-integrity-v1.jsonld"),
    Source("https://w3id.org/security/data-integrity/v2", "data-integrity-v2", DI, "contexts/data-integrity-v2.jsonld"),
    Source(
        "https://w3id.org/security/multikey/v1",
        "multikey-v1",
        "@digitalbazaar/multikey-context@2.0.1",
        "contexts/multikey-v1.jsonld",
    ),
    Source("https://www.w3.org/ns/did/v1", "did-v1", "did-context@3.1.1", "contexts/did-v1.jsonld"),
    Source(
        "https://www.w3.org/ns/credentials/status/v1",
        "bitstring-status-list-v1",
        "@digitalbazaar/vc-bitstring-status-list-context@1.1.0",
        "contexts/vc-bitstring-status-list-v1.jsonld",
    ),
    Source(
        "https://w3id.org/vc/status-list/2021/v1",
        "status-list-2021-v1",
        "@digitalbazaar/vc-status-list-context@3.1.1",
        "contexts/vc-status-list-v1.jsonld",
    ),
    Source(
        "https://w3id.org/security/suites/ed25519-2020/v1",
        "ed25519-2020-v1",
        "ed25519-signature-2020-context@1.1.0",
        "contexts/ed25519-signature-2020-v1.jsonld",
    ),
    Source("https://w3id.org/citizenship/v1", "citizenship-v1", CITIZENSHIP, "contexts/v1.jsonld"),
    Source("https://w3id.org/citizenship/v2", "citizenship-v2", CITIZENSHIP, "contexts/v2.jsonld"),
    Source("https://w3id.org/citizenship/v3", "citizenship-v3", CITIZENSHIP, "contexts/v3.jsonld"),
    Source("https://w3id.org/citizenship/v4rc1", "citizenship-v4rc1", CITIZENSHIP, "contexts/v4rc1.jsonld"),
    Source("https://w3id.org/vdl/v1", "vdl-v1", "@digitalbazaar/vdl-context@1.0.0", "contexts/vdl-v1.jsonld"),
    Source(
        "https://w3id.org/vdl/aamva/v1",
        "vdl-aamva-v1",
        "@digitalbazaar/vdl-aamva-context@1.0.0",
        "contexts/vdl-aamva-v1.jsonld",
    ),
)

# SHA-256 of the bytes that W3C, or the repository of the specification, publishes and that the packages agree with but
# for white space and the order of members. Of those that stand in no Source above no package is known that publishes
# them: a caller brings the document. Older editions of the W3C's are recorded by scripts/record_editions.py.
PUBLISHED = {
    "https://www.w3.org/2018/credentials/v1": [
        "ab4ddd9a531758807a79a5b450510d61ae8d147eab966cc9a200c07095b0cdcc",
    ],
    "https://www.w3.org/ns/credentials/v2": [
        "59955ced6697d61e03f2b2556febe5308ab16842846f5b586d7f1f7adec92734",
    ],
    "https://www.w3.org/ns/credentials/undefined-terms/v2": [
        "82dab514ba44eb18f5d1b0f638c5e140c6a556fbfb5089601bdc0fa5eb8b2581",
    ],
    "https://www.w3.org/2018/credentials/examples/v1": [
        "2070ae4e75bc3b4c2cfe2b8b6e86ec45119672bbb5da283f0399ea96c60a0104",
    ],
    "https://w3id.org/security/data-integrity/v1": [
        "b5d829bd09aa7c42abc6efa0c8ed7635313b5487f37ccfce3ecd149ca9418554",
    ],
    "https://w3id.org/security/data-integrity/v2": [
        "67f21e6e33a6c14e5ccfd2fc7865f7474fb71a04af7e94136cb399dfac8ae8f4",
    ],
    "https://w3id.org/security/multikey/v1": [
        "ba2c182de2d92f7e47184bcca8fcf0beaee6d3986c527bf664c195bbc7c58597",
    ],
    "https://www.w3.org/ns/did/v1": [
        "4f3eae5568c9c5f036a082088f9e192019ee06faa78973c87ff91d5421b88dad",
    ],
    "https://www.w3.org/ns/credentials/status/v1": [
        "fda5add353231e6a6884a46b12e6c75464281900cb348284d9c360f62381d9f7",
    ],
    "https://w3id.org/vc/status-list/2021/v1": [
        "6dd06a52bedb771e059c1083ba8ba7848dce22f6b4a8cfa0b98ba3fc188870e4",
    ],
    "https://w3id.org/security/suites/ed25519-2020/v1": [
        "b9e1ab971fd8bf2c7553e0c4a9438e0b9450afde1ea1ca5b2492368b9f549588",
    ],
    "https://w3id.org/citizenship/v1": [
        "9ffdc9e92801959e8f7416744aca720d06e0a4702dd83043c02c74700c161d93",
    ],
    "https://w3id.org/citizenship/v4rc1": [
        "5038c7383afd7ab2158f1b997913a8f60978a0abcf96e0b0d08e29f146d2db1e",
    ],
    "https://w3id.org/vdl/v1": [
        "b069d7ad1fab36cdc811d6bfa46d8d897277635258b9b9ccb130e3ed76df28d6",
    ],
    "https://w3id.org/vdl/aamva/v1": [
        "7a6060ae97a4b780d9b71af5a1bb2a5a3f9b7b189208544c375a89d7d28460eb",
    ],
    "https://www.w3.org/ns/did/v1.1": [
        "ea216ecc1cb02cd39b693dba2250141e270ba0bf95890be107dd9a9e8e43de85",
    ],
    "https://www.w3.org/ns/cid/v1": [
        "ea216ecc1cb02cd39b693dba2250141e270ba0bf95890be107dd9a9e8e43de85",
    ],
    "https://w3id.org/security/jwk/v1": [
        "0f14b62f6071aafe00df265770ea0c7508e118247d79b7d861a406d2aa00bece",
    ],
    "https://www.w3.org/ns/credentials/examples/v2": [
        "57393fbc69d6efb9b9b5dc9cb6b9880b0944360abfe2eaf459c9e58cf2279d7c",
    ],
    "https://w3id.org/vdl/v2": [
        "4840b9b17608b05693abdd5f40bbacc2d39726129f62ccf18242b6838c9c9335",
    ],
    "https://w3id.org/security/suites/jws-2020/v1": [
        "d648e05ddc6577827ca2bfd5e931f53e9ebc6e52a57a8da81df4ec8c46ffcd1e",
    ],
    "https://w3id.org/security/suites/secp256k1recovery-2020/v2": [
        "442e5eb94f2a5108373120fc01f86bdd1c6fbb71ad11ec44546d1eabe603562f",
    ],
    "https://w3id.org/security/bbs/v1": [
        "65f03b15242ee97861039faec7a73297da4dd6880257fe4fd18edf1fc363a58d",
    ],
    "https://w3id.org/security/v1": [
        "abaf97e107d1925503c433dcaf3ffd2831697cacc1ed2a293e1bc8030d5bcb47",
    ],
    "https://w3id.org/security/v2": [
        "611bd81151d5efe53ec9aed78f5a813e577287bc9451ee26d6879b1b8b46bc3b",
    ],
}


def main() -> int:
    """Fetch, write, and print what changed."""
    npm = shutil.which("npm")
    if npm is None:
        print("npm is not on the path", file=sys.stderr)
        return 2
    DATA.mkdir(parents=True, exist_ok=True)
    (DATA / "licenses").mkdir(exist_ok=True)
    bundled: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as scratch:
        members = {package: fetch(npm, package, Path(scratch)) for package in {source.package for source in SOURCES}}
    for source in SOURCES:
        raw = members[source.package][source.path]
        json.loads(raw)
        (DATA / f"{source.name}.json").write_bytes(raw)
        digest = hashlib.sha256(raw).hexdigest()
        bundled[source.url] = {"file": f"{source.name}.json", "sha256": digest, "package": source.package}
    for package, files in members.items():
        licence = next(text for path, text in sorted(files.items()) if path.upper().startswith("LICENSE"))
        name = package.rpartition("@")[0].removeprefix("@").replace("/", "-")
        (DATA / "licenses" / f"{name}.md").write_bytes(licence)
    index = {"bundled": bundled, "published": PUBLISHED}
    (DATA / "index.json").write_text(json.dumps(index, indent=1) + "\n", encoding="utf-8")
    print(f"wrote {len(bundled)} contexts")
    return 0


def fetch(npm: str, package: str, scratch: Path) -> dict[str, bytes]:
    """Return the files of ``package``, by their path in it."""
    command = [npm, "pack", "--silent", "--ignore-scripts", "--pack-destination", str(scratch), package]
    done = subprocess.run(command, cwd=scratch, capture_output=True, text=True, check=True, timeout=120)
    archive = scratch / done.stdout.split()[-1]
    files: dict[str, bytes] = {}
    with tarfile.open(archive) as tar:
        for member in tar:
            opened = tar.extractfile(member)
            if opened is not None:
                files[member.name.partition("/")[2]] = opened.read()
    return files


if __name__ == "__main__":
    raise SystemExit(main())
