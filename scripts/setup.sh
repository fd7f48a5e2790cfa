#!/bin/sh
# Make .venv ready: find Python, install what requirements.lock pins, compile kernels.
# Does nothing, at once, when .venv already matches the lock, pyproject.toml and place.
set -eu

cd "$(dirname "$0")/.."
venv=.venv
stamp=$venv/.allybin-ready

say() { printf 'setup: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

fingerprint() {
    pwd -P
    cksum requirements.lock pyproject.toml scripts/setup.sh optimizer/instance.py \
        optimizer/pricing.py optimizer/kernels/*.py
}

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 12))' >/dev/null 2>&1
}

# A pyenv shim answers by name yet may run nothing, so each candidate is run. The base
# executable is taken, lest .venv be rebuilt on itself when it is active.
candidates() {
    if [ -n "${PYTHON:-}" ]; then
        printf '%s\n' "$PYTHON"
        return
    fi
    printf '%s\n' python3.13 python3.12 python3.14 python3 python
    pyenv=${PYENV_ROOT:-${HOME:-/nonexistent}/.pyenv}/versions
    ls -d "$pyenv"/3.13.*/bin/python3 "$pyenv"/3.12.*/bin/python3 \
        "$pyenv"/3.14.*/bin/python3 2>/dev/null || true
}

find_python() {
    candidates | while IFS= read -r candidate; do
        if new_enough "$candidate"; then
            "$candidate" -c 'import sys; print(sys._base_executable)'
            break
        fi
    done
}

find_uv() {
    for candidate in uv "$(dirname "$1")/uv" "${HOME:-/nonexistent}/.local/bin/uv"; do
        if "$candidate" --version >/dev/null 2>&1; then
            printf '%s\n' "$candidate"
            return
        fi
    done
}

describe_found() {
    if version=$("${PYTHON:-python3}" -c 'import platform; print(platform.python_version())' 2>/dev/null)
    then printf '%s is %s' "${PYTHON:-python3}" "$version"
    else printf '%s does not run' "${PYTHON:-python3}"
    fi
}

make_with_uv() {
    if ! new_enough "$venv/bin/python"; then
        "$uv" venv --quiet --clear --python "$python" "$venv"
    fi
    "$uv" pip install --quiet --python "$venv/bin/python" \
        --require-hashes -r requirements.lock
    "$uv" pip install --quiet --python "$venv/bin/python" --no-deps -e .
}

make_with_pip() {
    if ! new_enough "$venv/bin/python" || ! "$venv/bin/python" -m pip --version \
        >/dev/null 2>&1
    then
        "$python" -m venv --clear "$venv" >/dev/null 2>&1 || fail \
            "allybin needs uv, or a Python that can make virtual environments;" \
            "$python cannot (on Debian: apt-get install python3-venv)."
    fi
    "$venv/bin/python" -m pip install -qq --disable-pip-version-check \
        --require-hashes -r requirements.lock
    "$venv/bin/python" -m pip install -qq --disable-pip-version-check --no-deps -e .
}

if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(fingerprint)" ] \
    && new_enough "$venv/bin/python"
then
    exit 0
fi

python=$(find_python)
[ -n "$python" ] || fail "allybin needs Python 3.12 or newer; $(describe_found)" \
    "(install it, or name one: make PYTHON=/path/to/python3.13 setup)."
uv=$(find_uv "$python")

if [ -n "$uv" ]; then
    say "installing the locked packages into $venv with uv"
    make_with_uv || fail "uv could not install requirements.lock: its message is above."
else
    say "installing the locked packages into $venv with pip"
    make_with_pip || fail "pip could not install requirements.lock: its message is above."
fi

# The kernels are compiled on first use and kept; here, that no time limit counts it.
# A kept one does not notice that a kernel of another file it calls has changed.
find optimizer/kernels -name '*.nb[ic]' -exec rm -f {} +
say "compiling the kernels, once: half a minute or so"
"$venv/bin/allybin" propose sample_requests/announced-2022-2026.csv \
    --as-of 2022-01-03 --workers 1 --time-limit 600 </dev/null >/dev/null ||
    say "that did not work; the first proposal will show why."

fingerprint >"$stamp"
say "done"
