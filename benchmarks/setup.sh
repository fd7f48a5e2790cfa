#!/bin/sh
# Make .venv-bench ready: allybin with what only its rivals and the plots need, as
# requirements-bench.lock pins it. Takes the Python of .venv; at once when it is ready.
set -eu

cd "$(dirname "$0")/.."
venv=.venv-bench
stamp=$venv/.allybin-ready

say() { printf 'bench: %s\n' "$*" >&2; }

fingerprint() {
    pwd -P
    .venv/bin/python --version
    cksum requirements-bench.lock pyproject.toml benchmarks/setup.sh
}

find_uv() {
    for candidate in uv "$(dirname "$1")/uv" "${HOME:-/nonexistent}/.local/bin/uv"; do
        if "$candidate" --version >/dev/null 2>&1; then
            printf '%s\n' "$candidate"
            return
        fi
    done
}

make_with_uv() {
    "$uv" venv --quiet --clear --python "$python" "$venv"
    "$uv" pip install --quiet --compile-bytecode --python "$venv/bin/python" \
        --require-hashes -r requirements-bench.lock
    "$uv" pip install --quiet --python "$venv/bin/python" --no-deps -e .
}

make_with_pip() {
    "$python" -m venv --clear "$venv"
    "$venv/bin/python" -m pip install -qq --disable-pip-version-check \
        --require-hashes -r requirements-bench.lock
    "$venv/bin/python" -m pip install -qq --disable-pip-version-check --no-deps -e .
}

if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(fingerprint)" ]; then
    exit 0
fi

python=$(.venv/bin/python -c 'import sys; print(sys._base_executable)')
uv=$(find_uv "$python")
say "installing the locked packages into $venv with ${uv:-pip}"
if [ -n "$uv" ]; then make_with_uv; else make_with_pip; fi
fingerprint >"$stamp"
say "done"
