#!/bin/sh
# Print the first interpreter that can build the virtual environment: Python >= 3.11 with venv and ensurepip.
# PYTHON=... overrides the search. Asked by running it, because a name on PATH may be a shim that leads nowhere.
usable='import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))'
for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3 python3.14}; do
    if "$candidate" -c "$usable" >/dev/null 2>&1; then
        command -v "$candidate"
        exit 0
    fi
done
echo "countersigned needs Python 3.11 or newer with its venv module, and found none." >&2
echo "On Debian or Ubuntu: apt-get install python3 python3-venv. Elsewhere: make PYTHON=/path/to/python3 ..." >&2
exit 1
