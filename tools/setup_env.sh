#!/usr/bin/env bash
# Make an environment that trains, tests and runs mmdiffpose.
#
#   bash tools/setup_env.sh [--no-venv | --system-site | --locked]
#
#   (nothing)       make .venv in the checkout, or reuse it
#   --no-venv       use the active environment; packages that it has are left
#                   at their version
#   --system-site   make .venv on top of the packages of the Python that runs
#                   it, for example to use its GPU build of torch
#   --locked        make .venv of the very files that requirements/lock.txt
#                   names: what has another SHA-256 is not installed. torch is
#                   not among them; give it by version, or by a URL that ends
#                   in #sha256=..., as MMDIFFPOSE_TORCH.
#
# PYTHON            the Python to make .venv with; 3.10 or newer
# MMDIFFPOSE_TORCH  what to install where there is no torch >= 2.0, default
#                   "torch==2.13.0"; may hold further arguments of pip, such
#                   as --index-url. pip's own PIP_* variables work too.
#
# Messages go to stderr; the last line, on stdout, is the environment's
# Python. A second run finds a stamp and does nothing.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
requirements="$root/requirements"
venv="$root/.venv"
mode=venv

say() { echo "[setup] $*" >&2; }
fail() { say "error: $*" && exit 1; }

for argument in "$@"; do
    case "$argument" in
        --no-venv) mode=active ;;
        --system-site) mode=system-site ;;
        --locked) mode=locked ;;
        -h | --help) awk 'NR > 1 { if (!/^#/) exit; sub(/^# ?/, ""); print }' "$0" && exit ;;
        *) fail "unknown argument $argument (see --help)" ;;
    esac
done

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null
}

find_python() {
    local candidate
    for candidate in ${PYTHON:+"$PYTHON"} python3 python \
        python3.13 python3.12 python3.11 python3.10; do
        if command -v "$candidate" >/dev/null && is_new_enough "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    fail "no Python 3.10 or newer was found; name one with PYTHON=..."
}

sees_system_site() {
    sed -n 's/^include-system-site-packages *= *//p' "$venv/pyvenv.cfg"
}

make_venv() {
    local base options=()
    base="$(find_python)"
    [[ "$mode" == system-site ]] && options=(--system-site-packages)
    say "making .venv with $("$base" --version) ($base)"
    "$base" -m venv ${options[@]+"${options[@]}"} "$venv" >&2 ||
        fail "'$base -m venv' failed; on Debian and Ubuntu its package is" \
            "python3-venv. --no-venv uses the active environment instead."
}

if [[ "$mode" == active ]]; then
    python="$(find_python)"
else
    wanted=false
    [[ "$mode" == system-site ]] && wanted=true
    # An interrupted run leaves a folder without a working Python.
    if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1 ||
        [[ "$(sees_system_site)" != "$wanted" ]]; then
        rm -rf "$venv"
        make_venv
    fi
    python="$venv/bin/python"
fi

# The stamp stands for these files, this checkout and this environment.
stamp_key="$(cat "$requirements"/*.txt "$root"/setup.* "${BASH_SOURCE[0]}" |
    cat - <(echo "$root $mode ${MMDIFFPOSE_TORCH:-}") |
    "$python" -c 'import hashlib, sys
print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())')"
stamp="$("$python" -c 'import sys; print(sys.prefix)')/.mmdiffpose-setup"
if [[ -f "$stamp" && "$(cat "$stamp")" == "$stamp_key" ]]; then
    say "using $python (already set up)"
    echo "$python"
    exit
fi

scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
constraints="$scratch/constraints.txt"
if [[ "$mode" == venv || "$mode" == locked ]]; then
    cp "$requirements/constraints.txt" "$constraints"
else
    # What is there already stays: a pin that it contradicts is left out.
    "$python" - "$requirements/constraints.txt" >"$constraints" <<'PY'
import sys
from importlib import metadata

from pip._vendor.packaging.requirements import Requirement

for line in open(sys.argv[1]):
    line = line.split('#')[0].strip()
    if not line:
        continue
    pin = Requirement(line)
    try:
        installed = metadata.version(pin.name)
    except metadata.PackageNotFoundError:
        installed = None
    if installed is None or pin.specifier.contains(installed):
        print(line)
    elif pin.name == 'numpy':
        # Compiled packages next to it were built for this one.
        print(f'numpy=={installed}')
PY
fi
# So that a package that has to be built is built under the same versions.
export PIP_CONSTRAINT="$constraints"

install() {
    # Twice quiet: errors only. Warnings about things that this script has
    # settled (opencv, chumpy, versions) would worry without reason.
    "$python" -m pip install --quiet --quiet --disable-pip-version-check \
        --no-warn-conflicts -c "$constraints" "$@" >&2
}

# Whether a statement runs in the environment, from outside the checkout.
works() { (cd "$scratch" && "$python" -c "$1" >/dev/null 2>&1); }

say "installing into $("$python" -c 'import sys; print(sys.prefix)')" \
    "(a minute or two, plus downloads)"
if [[ "$mode" == locked ]]; then
    # Sources would be built with packages that nobody pinned.
    install --require-hashes --no-deps --no-build-isolation \
        -r "$requirements/lock.txt" ||
        fail "pip can't install what requirements/lock.txt names"
fi
install -r "$requirements/build.txt" || fail "pip can't install setuptools"

# NumPy goes first: torch would bring the newest one.
install numpy || fail "pip can't install NumPy"
if works 'import torch; assert int(torch.__version__.split(".")[0]) >= 2'; then
    say "using the torch that is there"
else
    say "installing ${MMDIFFPOSE_TORCH:-torch==2.13.0}"
    # Unquoted: the variable may hold several arguments.
    # shellcheck disable=SC2086
    install ${MMDIFFPOSE_TORCH:-torch==2.13.0} ||
        fail "pip can't install torch; MMDIFFPOSE_TORCH=... names another one"
fi

install -r "$requirements/runtime.txt" -r "$requirements/tests.txt" ||
    fail "pip can't install the packages of requirements/runtime.txt"
works 'import cv2' || install opencv-python-headless ||
    fail "pip can't install opencv-python-headless"
install --no-deps -r "$requirements/openmmlab.txt" ||
    fail "pip can't install MMPose (requirements/openmmlab.txt)"
works 'import mmcv' || install --no-deps -r "$requirements/mmcv.txt" ||
    fail "pip can't install mmcv-lite"
works 'import xtcocotools._mask' || install --no-deps \
    --only-binary xtcocotools -r "$requirements/xtcocotools.txt" ||
    say "no wheel of xtcocotools fits; pycocotools takes its place"
install --no-deps --no-build-isolation -e "$root" ||
    fail "pip can't install mmdiffpose itself"

(cd "$scratch" && "$python" -c 'import mmdiffpose, mmpose.apis') >&2 ||
    fail "the environment was made, but MMPose does not import; see above"
echo "$stamp_key" >"$stamp" 2>/dev/null || true
say "done: $("$python" - <<'PY'
from importlib import metadata


def found(*names):
    for name in names:
        try:
            return f'{name} {metadata.version(name)}'
        except metadata.PackageNotFoundError:
            pass


print(', '.join(
    filter(None, [
        found('torch'), found('numpy'), found('mmcv', 'mmcv-lite'),
        found('mmengine'), found('mmdet'), found('mmpose'),
        found('mmdiffpose')
    ])))
PY
)"
echo "$python"
