"""Build the wheel and the source archive into dist/ twice, compare, then use the wheel as a stranger would.

Source:  PEP 517 through hatchling, called directly: the locked environment has it, so nothing is downloaded.
Input:   the repository.
I/O:     writes dist/: both archives, the bill of materials, the licence report, and SHA256SUMS over them; builds again
         from a copy elsewhere with other file times; installs the wheel into a temporary directory and imports there.
Errors:  SystemExit with the reason if the two builds differ, an archive lacks a file, the wheel does not work, or a
         licence needs a decision.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

import sbom

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
    os.environ.setdefault("SOURCE_DATE_EPOCH", commit_time())
    run(sys.executable, "-m", "hatchling", "build", "-d", str(DIST))
    wheel, sdist = one("*.whl"), one("*.tar.gz")
    build_again_and_compare(wheel, sdist)
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
    version = wheel.name.split("-")[1]
    written = [wheel, sdist, *sbom.write(DIST, version=version, epoch=int(os.environ["SOURCE_DATE_EPOCH"]))]
    sums = "".join(f"{digest(path)}  {path.name}\n" for path in written)
    (DIST / "SHA256SUMS").write_text(sums, encoding="utf-8")
    for path in written:
        print(f"{path.relative_to(REPOSITORY)}  {path.stat().st_size // 1024} KiB  sha256 {digest(path)}")
    return 0


def commit_time() -> str:
    """Return the time of the commit that is built, or a fixed time where there is no history."""
    command = ["git", "log", "-1", "--format=%ct"]
    try:
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "1767225600"
    return done.stdout.strip()


def build_again_and_compare(*first: Path) -> None:
    """Build from a copy of the files at another place and time; stop if a byte of an archive differs."""
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place) / "copy"
        ignored = shutil.ignore_patterns(
            ".git", ".venv", "build", "dist", "__pycache__", ".[a-z]*_cache", ".hypothesis"
        )
        shutil.copytree(REPOSITORY, copy, ignore=ignored, copy_function=shutil.copy)
        run(sys.executable, "-m", "hatchling", "build", "-d", str(copy / "dist"), cwd=str(copy))
        for path in first:
            if (copy / "dist" / path.name).read_bytes() != path.read_bytes():
                raise SystemExit(f"two builds of {path.name} differ")
    print(f"built twice, byte for byte the same: {', '.join(path.name for path in first)}")


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


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
