#!/usr/bin/env bash
# Start one of the Python tools under torchrun; dist_train.sh and
# dist_test.sh call this.
set -euo pipefail

tools="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
tool="$1"
shift

# Positional arguments of the Python tool, before the number of processes.
case "$tool" in
    train.py) names=(CONFIG) ;;
    test.py) names=(CONFIG CHECKPOINT) ;;
    *) echo "dist_run.sh: unknown tool $tool" >&2 && exit 2 ;;
esac
positional=("${@:1:${#names[@]}}")
shift $(($# < ${#names[@]} ? $# : ${#names[@]}))
processes="${1:-}"
if ! [[ "$processes" =~ ^[1-9][0-9]*$ ]]; then
    echo "usage: bash tools/dist_${tool%.py}.sh ${names[*]} PROCESSES" \
        "[arguments of $tool]" >&2
    echo "PROCESSES should be a positive number, found '${processes}'" >&2
    exit 2
fi
shift

python="${PYTHON:-python}"
nodes="${NNODES:-1}"

# torchrun sets one thread per process where nothing is said; on a CPU the
# cores are shared out instead.
cores="$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)"
threads=$((cores / processes))
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-$((threads > 0 ? threads : 1))}"

if [[ "$nodes" == 1 && -z "${PORT:-}" ]]; then
    # A free port of its own: two trainings on one machine don't collide.
    rendezvous=(--standalone)
else
    rendezvous=(
        --nnodes "$nodes" --node-rank "${NODE_RANK:-0}"
        --master-addr "${MASTER_ADDR:-127.0.0.1}"
        --master-port "${PORT:-29500}"
    )
fi

root="$(dirname "$tools")"
export PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}"
exec "$python" -m torch.distributed.run "${rendezvous[@]}" \
    --nproc-per-node "$processes" \
    "$tools/$tool" "${positional[@]}" --launcher pytorch "$@"
