#!/usr/bin/env bash
# Make HTML of the README, the pages of docs and the docstrings. A link or a
# name in a docstring that leads nowhere is an error, as is any other warning.
#
#   bash tools/build_docs.sh [--check]
#
# Writes docs/_build/index.html; --check only reads everything and writes no
# page, for tools/lint.sh. The API reference is made from the package as it is
# imported, so that the environment that trains has to be there: .venv
# (tools/setup_env.sh makes it), or the one whose Python MMDIFFPOSE_PYTHON
# names. Sphinx lives in .venv-docs, apart from it, and is installed once.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
packages="$root/.venv-docs"
builder=html

case "${1:-}" in
    '') ;;
    --check) builder=dummy ;;
    -h | --help)
        awk 'NR > 1 { if (!/^#/) exit; sub(/^# ?/, ""); print }' "$0"
        exit
        ;;
    *) echo "[docs] unknown argument $1 (see --help)" >&2 && exit 2 ;;
esac

cd "$root"
python="${MMDIFFPOSE_PYTHON:-.venv/bin/python}"
if ! command -v "$python" >/dev/null; then
    echo "[docs] the environment that trains is missing: run" \
        "tools/setup_env.sh, or set MMDIFFPOSE_PYTHON" >&2
    exit 1
fi

# Packages that are built for another Python are of no use.
stamp="$("$python" --version) $(cat requirements/docs.txt)"
if [[ "$(cat "$packages/stamp" 2>/dev/null)" != "$stamp" ]]; then
    echo "[docs] installing Sphinx into .venv-docs" >&2
    rm -rf "$packages"
    # pip compares with what it does not touch, and complains; what it says
    # counts only if it fails.
    output="$("$python" -m pip install --quiet --disable-pip-version-check \
        --target "$packages" -r requirements/docs.txt 2>&1)" ||
        { echo "$output" >&2 && exit 1; }
    echo "$stamp" >"$packages/stamp"
fi

export PYTHONPATH="$packages:$root${PYTHONPATH:+:$PYTHONPATH}"
"$python" -m sphinx -E -W --keep-going --nitpicky --quiet -b "$builder" \
    -c docs -d docs/_build/.doctrees . docs/_build
if [[ "$builder" == html ]]; then
    # The pages lie where the sources lie in the repository.
    cp docs/redirect.html docs/_build/index.html
    echo "[docs] written: $root/docs/_build/index.html" >&2
fi
