#!/usr/bin/env bash
# Start one of the Python tools under Slurm, as OpenMMLab's launchers do.
#
#   bash tools/slurm_run.sh train.py PARTITION JOB_NAME CONFIG \
#       [arguments of train.py]
#   bash tools/slurm_run.sh test.py PARTITION JOB_NAME CONFIG CHECKPOINT \
#       [arguments of test.py]
#
# Environment: GPUS (processes in all, 8), GPUS_PER_NODE (8, at most GPUS; 0
# for nodes without a GPU, one process each), CPUS_PER_TASK (5), SRUN_ARGS
# (further arguments of srun), PORT (of the process group, 29500), PYTHON.
set -euo pipefail

tools="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
if [[ $# -lt 4 || ! "$1" =~ ^(train|test)\.py$ ]]; then
    echo "usage: bash tools/slurm_run.sh train.py|test.py PARTITION JOB_NAME" \
        "CONFIG [arguments of the tool]" >&2
    exit 2
fi
tool="$1" partition="$2" job="$3"
shift 3

gpus="${GPUS:-8}"
per_node="${GPUS_PER_NODE:-$((gpus < 8 ? gpus : 8))}"
resources=(--ntasks-per-node=1)
if [[ "$per_node" != 0 ]]; then
    resources=("--gres=gpu:$per_node" "--ntasks-per-node=$per_node")
fi
read -r -a further <<<"${SRUN_ARGS:-}"

root="$(dirname "$tools")"
export PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}"
# MMEngine takes it for the process group, beside the first node's name.
export MASTER_PORT="${PORT:-29500}"
exec srun --partition="$partition" --job-name="$job" "${resources[@]}" \
    --ntasks="$gpus" --cpus-per-task="${CPUS_PER_TASK:-5}" \
    --kill-on-bad-exit=1 ${further[@]+"${further[@]}"} \
    "${PYTHON:-python}" -u "$tools/$tool" "$@" --launcher slurm
