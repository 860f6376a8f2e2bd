#!/usr/bin/env bash
# Check the code without running it: flake8, isort, yapf, codespell, a few
# rules of this project and, of the package as a whole, which room may import
# which (import-linter), the types (mypy) and whether README, docs and
# docstrings lead where they say (tools/build_docs.sh). Where pip-audit is
# installed and reaches its service, the pins are looked up, too.
# .pre-commit-config.yaml runs the tools that look at single files.
#
#   bash tools/lint.sh [--fix] [files or folders]
#
# --fix lets isort and yapf rewrite the files. With names, only these files
# are checked, and only by the tools that look at single files. The tools
# live in .venv-lint, apart from the environment that trains; mypy and Sphinx
# read what is installed in that one: in .venv (tools/setup_env.sh makes
# it), or in the one whose Python MMDIFFPOSE_PYTHON names.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
venv="$root/.venv-lint"

fix=
if [[ "${1:-}" == --fix ]]; then
    fix=yes
    shift
elif [[ "${1:-}" == -h || "${1:-}" == --help ]]; then
    awk 'NR > 1 { if (!/^#/) exit; sub(/^# ?/, ""); print }' "$0"
    exit
fi

if ! cmp -s "$root/requirements/lint.txt" "$venv/requirements.txt"; then
    echo "[lint] installing the linters into .venv-lint" >&2
    rm -rf "$venv"
    "${PYTHON:-python3}" -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --quiet \
        --disable-pip-version-check -r "$root/requirements/lint.txt"
    cp "$root/requirements/lint.txt" "$venv/requirements.txt"
fi

# Names of the caller are relative to the caller's folder.
targets=()
for name in "$@"; do
    targets+=("$(cd "$(dirname "$name")" && pwd)/$(basename "$name")")
done
cd "$root"
whole=
texts=()
if [[ ${#targets[@]} == 0 ]]; then
    whole=yes
    texts=(*.md)
    for name in mmdiffpose configs docs examples tools tests projects \
        setup.py; do
        [[ -e "$name" ]] && targets+=("$name")
    done
fi

run() { "$venv/bin/python" -m "$@"; }
# For a tool that has much to say when all is well.
quietly() {
    local output
    output="$("$@" 2>&1)" || { echo "$output" && return 1; }
}

if [[ "$fix" ]]; then
    run isort --quiet "${targets[@]}"
    run yapf --in-place --recursive --parallel "${targets[@]}"
fi

status=0
check() {
    local name="$1"
    shift
    if ! "$@"; then
        echo "[lint] $name found something to change" >&2
        status=1
    fi
}
check flake8 run flake8 "${targets[@]}"
check isort run isort --check-only --diff --quiet "${targets[@]}"
check yapf run yapf --diff --recursive --parallel "${targets[@]}"
check codespell run codespell_lib "${targets[@]}" ${texts[@]+"${texts[@]}"}
check 'the project rules' "$venv/bin/python" tools/lint_rules.py \
    "${targets[@]}" ${texts[@]+"${texts[@]}"}
if [[ "$whole" ]]; then
    check pip-audit "$venv/bin/python" tools/maintenance/audit.py >&2
    check import-linter quietly "$venv/bin/lint-imports" --no-logo
    python="${MMDIFFPOSE_PYTHON:-.venv/bin/python}"
    if command -v "$python" >/dev/null; then
        check mypy quietly "$venv/bin/python" -m mypy \
            --python-executable "$python"
        check 'the build of the docs' bash tools/build_docs.sh --check
    else
        echo "[lint] mypy and the docs need the environment that trains:" \
            "run tools/setup_env.sh, or set MMDIFFPOSE_PYTHON" >&2
        status=1
    fi
fi
[[ "$status" == 0 ]] && echo '[lint] clean' >&2
exit "$status"
