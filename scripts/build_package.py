"""Build the wheel and the source archive into dist/, then use the wheel as a stranger would.

Source:  PEP 517 through hatchling, called directly: the locked environment has it, so nothing is downloaded.
Input:   the repository.
I/O:     writes dist/; installs the wheel into a temporary directory and imports from there.
Errors:  SystemExit with the reason if an archive lacks a file or the wheel does not work.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
DIST = REPOSITORY / "dist"
WITH_SOURCE = {
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "Makefile",
    "requirements.lock",
    "requirements-dev.lock",
    "scripts/find-python.sh",
    "tests/__init__.py",
}
"""What the source archive needs so that its Makefile works."""
PACKAGES = ("ssi", "issuer", "wallet", "verifier")
TRY = f"""
import importlib, pathlib, sys
for name in {PACKAGES!r}:
    module = importlib.import_module(name)
    assert pathlib.Path(module.__file__).is_relative_to(sys.argv[1]), f"{{name}} came from {{module.__file__}}"
    assert (pathlib.Path(module.__file__).parent / "py.typed").exists(), f"{{name}} lost its py.typed"
import ssi
print("imported from the wheel:", ", ".join({PACKAGES!r}), ssi.__version__)
"""


def run(*command: str | Path, **more: str) -> None:
    """Run a command from the temporary place that it names, or from the repository; stop if it fails."""
    subprocess.run([str(part) for part in command], check=True, cwd=more.get("cwd", str(REPOSITORY)))


def main() -> int:
    """Build, look inside, install, import."""
    shutil.rmtree(DIST, ignore_errors=True)
    # One time stamp for every file makes two builds of one commit equal.
    os.environ.setdefault("SOURCE_DATE_EPOCH", "1767225600")
    run(sys.executable, "-m", "hatchling", "build", "-d", "dist")
    wheel, sdist = one("*.whl"), one("*.tar.gz")
    names = zipfile.ZipFile(wheel).namelist()
    expect(wheel, {f"{package}/{file}" for package in PACKAGES for file in ("__init__.py", "py.typed")}, set(names))
    strangers = {name.partition("/")[0] for name in names} - {*PACKAGES}
    if any(not name.endswith(".dist-info") for name in strangers):
        raise SystemExit(f"{wheel.name} contains {', '.join(sorted(strangers))}")
    with tarfile.open(sdist) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    expect(sdist, WITH_SOURCE, inside)
    with tempfile.TemporaryDirectory() as place:
        target = Path(place) / "site"
        run(sys.executable, "-m", "pip", "-q", "install", "--no-deps", "--no-index", "--target", target, wheel)
        os.environ["PYTHONPATH"] = str(target)
        run(sys.executable, "-c", TRY, target, cwd=place)
    for path in (wheel, sdist):
        print(f"{path.relative_to(REPOSITORY)}  {path.stat().st_size // 1024} KiB")
    return 0


def one(pattern: str) -> Path:
    """Return the only file in dist/ of this pattern."""
    found = list(DIST.glob(pattern))
    if len(found) != 1:
        raise SystemExit(f"expected one {pattern} in dist/, found {len(found)}")
    return found[0]


def expect(archive: Path, wanted: set[str], inside: set[str]) -> None:
    """Stop if the archive lacks one of the wanted files."""
    if wanted - inside:
        raise SystemExit(f"{archive.name} lacks {', '.join(sorted(wanted - inside))}")


if __name__ == "__main__":
    sys.exit(main())
