#!/bin/sh
# Resolve requirements.lock and requirements-dev.lock for every platform and Python >= 3.11, with hashes.
# The resolver lives in a throw-away environment: it is no dependency of the project.
set -eu
cd "$(dirname "$0")/.."
tool=build/lock-tool
test -x "$tool/bin/uv" || { "$(sh scripts/find-python.sh)" -m venv "$tool" && "$tool/bin/pip" install -q "uv>=0.13,<0.14"; }
compile() { "$tool/bin/uv" pip compile --universal --python-version 3.11 --generate-hashes --no-header --quiet "$@"; }
compile pyproject.toml requirements-build.in -o requirements.lock "$@"
compile pyproject.toml requirements-build.in --extra dev --extra interop --extra bbs --extra cose --extra pkcs11 \
    --extra postgres --extra timestamp --extra evm \
    -c requirements.lock -o requirements-dev.lock "$@"
