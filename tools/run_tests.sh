#!/usr/bin/env bash
# Run the whole test suite, in the environment that setup_env.sh makes.
#
#   bash tools/run_tests.sh [--no-venv | --system-site] [arguments of pytest]
#
# For example: bash tools/run_tests.sh tests/diffusion -k schedule
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

setup=()
while [[ "${1:-}" == --no-venv || "${1:-}" == --system-site ]]; do
    setup+=("$1")
    shift
done
if [[ "${1:-}" == -h || "${1:-}" == --help ]]; then
    awk 'NR > 1 { if (!/^#/) exit; sub(/^# ?/, ""); print }' "$0"
    exit
fi

python="$(bash "$root/tools/setup_env.sh" ${setup[@]+"${setup[@]}"})"

# The tests' models are too small to gain from more threads.
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
export MKL_NUM_THREADS="${MKL_NUM_THREADS:-$OMP_NUM_THREADS}"
export MPLBACKEND="${MPLBACKEND:-agg}"

# Relative paths of tests are those of the caller; without any it is the
# suite of this checkout.
exec "$python" -m pytest -c "$root/setup.cfg" --rootdir "$root" \
    "${@:-$root/tests}"
