#!/usr/bin/env bash
# Run the whole test suite, in the environment that setup_env.sh makes.
#
#   bash tools/run_tests.sh [--no-venv | --system-site] [--each-processor]
#                           [arguments of pytest]
#
# For example: bash tools/run_tests.sh tests/diffusion -k schedule
#
# --each-processor runs the numeric tests (tests/diffusion and tests/codecs,
# or those named) as they would run elsewhere: with the instructions that
# this processor has, with AVX2, with neither, and with one and two threads.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

setup=()
each=
while [[ "${1:-}" == --no-venv || "${1:-}" == --system-site ||
    "${1:-}" == --each-processor ]]; do
    if [[ "$1" == --each-processor ]]; then each=yes; else setup+=("$1"); fi
    shift
done
if [[ "${1:-}" == -h || "${1:-}" == --help ]]; then
    awk 'NR > 1 { if (!/^#/) exit; sub(/^# ?/, ""); print }' "$0"
    exit
fi

python="$(bash "$root/tools/setup_env.sh" ${setup[@]+"${setup[@]}"})"

export MPLBACKEND="${MPLBACKEND:-agg}"

# Relative paths of tests are those of the caller.
run_pytest() {
    "$python" -m pytest -c "$root/setup.cfg" --rootdir "$root" "$@"
}

if [[ "$each" ]]; then
    [[ $# == 0 ]] && set -- "$root/tests/diffusion" "$root/tests/codecs"
    settings=('' 'ATEN_CPU_CAPABILITY=default MKL_CBWR=COMPATIBLE')
    if "$python" -c 'import sys, torch
known = torch.backends.cpu.get_cpu_capability()
sys.exit(known not in ("AVX2", "AVX512"))'; then
        settings+=('ATEN_CPU_CAPABILITY=avx2 MKL_CBWR=AVX2')
    fi
    # Threads that wait for each other leave the processor alone.
    export OMP_WAIT_POLICY="${OMP_WAIT_POLICY:-PASSIVE}"
    status=0
    for setting in "${settings[@]}"; do
        for threads in 1 2; do
            echo "[tests] ${setting:-as it is}, threads: $threads" >&2
            # A subshell, so that the next one begins without these.
            (
                # shellcheck disable=SC2086
                [[ "$setting" ]] && export $setting
                export OMP_NUM_THREADS=$threads MKL_NUM_THREADS=$threads
                run_pytest "$@"
            ) || status=1
        done
    done
    exit "$status"
fi

# The tests' models are too small to gain from more threads.
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
export MKL_NUM_THREADS="${MKL_NUM_THREADS:-$OMP_NUM_THREADS}"

# Without any arguments it is the suite of this checkout.
run_pytest "${@:-$root/tests}"
