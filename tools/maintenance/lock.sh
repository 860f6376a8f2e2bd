#!/usr/bin/env bash
# Pin every package that the set-up installs, with the SHA-256 of its files.
#
#   bash tools/maintenance/lock.sh
#
# writes requirements/lock.txt from the other files there, for Python 3.10 to
# 3.13 on any system; "bash tools/setup_env.sh --locked" installs it. torch is
# not in it: its builds, for CPUs and GPUs, come from several indices. Needs
# uv (pip install uv), or another one's path in UV.
set -euo pipefail

if [[ "${1:-}" == -h || "${1:-}" == --help ]]; then
    awk 'NR > 1 { if (!/^#/) exit; sub(/^# ?/, ""); print }' "$0"
    exit
fi

cd "$(dirname "${BASH_SOURCE[0]}")/../../requirements"
uv="${UV:-uv}"
command -v "$uv" >/dev/null || {
    echo "[lock] uv is not there: pip install uv, or name it with UV=..." >&2
    exit 1
}
# What this machine's pip is told is nobody else's business.
export UV_NO_CONFIG=1 UV_PYTHON_PREFERENCE=system
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT

pin() {
    "$uv" pip compile --quiet --universal --python-version 3.10 \
        --generate-hashes --no-annotate --no-header "$@"
}
echo opencv-python-headless >"$scratch/opencv.txt"
pin --constraint constraints.txt --no-emit-package torch --output-file \
    "$scratch/needed.txt" build.txt runtime.txt tests.txt "$scratch/opencv.txt"
# Installed without what they ask for: see openmmlab.txt.
pin --no-deps --output-file "$scratch/openmmlab.txt" \
    openmmlab.txt mmcv.txt xtcocotools.txt

{
    echo '# Written by tools/maintenance/lock.sh; what it is of stands in the other files.'
    cat "$scratch/needed.txt" "$scratch/openmmlab.txt"
} >lock.txt.part
mv lock.txt.part lock.txt
echo "[lock] $(grep -c '^[a-z]' lock.txt) pins in requirements/lock.txt" >&2
