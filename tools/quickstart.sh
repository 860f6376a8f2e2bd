#!/usr/bin/env bash
# From nothing to a trained, tested and used model, in about twelve minutes on
# two cores after the downloads.
#
#   bash tools/quickstart.sh [--no-venv | --system-site] [--fresh]
#                            [-- arguments of train.py]
#
#   --no-venv       use the active environment instead of making .venv
#   --system-site   make .venv on top of the packages of the Python that runs
#                   it, for example to use its GPU build of torch
#   --fresh         forget an earlier run's training; without it a finished
#                   training is reused and an interrupted one resumed
#
# Installs what is needed; trains DiffPose and its context encoder on the
# motion capture inside the package; tests it and prints a table; lifts a 2D
# track of a real video and draws it, with this model and with the one of the
# zoo. Everything goes to work_dirs/quickstart.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
config=configs/diffpose_mixste_mini-27.py
track=mmdiffpose/data/demo_track_coco17.json
work_dir=work_dirs/quickstart
demo="$work_dir/demo"
zoo_model=diffpose

say() { echo "[quickstart] $*"; }

setup=()
fresh=
while (($#)); do
    case "$1" in
        --no-venv | --system-site) setup+=("$1") ;;
        --fresh) fresh=yes ;;
        --) shift && break ;;
        -h | --help)
            awk 'NR > 1 { if (!/^#/) exit; sub(/^# ?/, ""); print }' "$0"
            exit
            ;;
        *) say "unknown argument $1 (see --help)" >&2 && exit 2 ;;
    esac
    shift
done

doing=
hint=
trap '[[ -z "$doing" ]] || say "failed while $doing; the messages above say" \
    "why.$hint" >&2' ERR

doing='setting up the environment'
python="$(bash "$root/tools/setup_env.sh" ${setup[@]+"${setup[@]}"})"
cd "$root"

# More threads than this only wait for each other at this model's size.
cores="$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)"
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-$((cores < 8 ? cores : 8))}"
# Threads that wait by spinning take the cores from whatever else runs.
export OMP_WAIT_POLICY="${OMP_WAIT_POLICY:-PASSIVE}"
export MKL_NUM_THREADS="${MKL_NUM_THREADS:-$OMP_NUM_THREADS}"
export MPLBACKEND="${MPLBACKEND:-agg}"

[[ -z "$fresh" ]] || rm -rf "$work_dir"
finished="$work_dir/training_finished"
if [[ -e "$finished" ]]; then
    say "1/4 reusing the training in $work_dir (--fresh trains again)"
    hint=' If the code has changed since the training, add --fresh.'
else
    say '1/4 training the context encoder, then DiffPose'
    doing='training'
    hint=' The next run goes on from the last saved epoch.'
    "$python" tools/train.py "$config" --work-dir "$work_dir" --resume "$@"
    touch "$finished"
fi

say '2/4 testing'
doing='looking for the trained weights'
checkpoint="$("$python" - "$work_dir" <<'PY'
import sys

sys.path.insert(0, 'tools')
from launching import find_last_checkpoint

work_dir = sys.argv[1]
checkpoint = find_last_checkpoint(work_dir)
if checkpoint is None:
    sys.exit(f'there is no checkpoint in {work_dir}; add --fresh')
print(checkpoint)
PY
)"
doing='testing'
"$python" tools/test.py "$config" "$checkpoint" --work-dir "$work_dir/test" \
    --out "$work_dir/metrics.json"

say '3/4 comparing'
doing='making the table'
"$python" tools/analysis_tools/quickstart_table.py "$work_dir"

say '4/4 lifting a 2D track of a real video'
doing='lifting the track'
"$python" tools/infer.py "$track" --config "$config" \
    --checkpoint "$checkpoint" --out-dir "$demo"

doing='looking into the model zoo'
made=("$checkpoint" "$work_dir/metrics.json" "$demo"/*)
zoo="$("$python" tools/infer.py --list-models)"
if grep -Eq "(^|[ ,])$zoo_model([ ,]|\$)" <<<"$zoo"; then
    say "the same with the zoo's $zoo_model, trained on more people"
    doing="lifting the track with the zoo's $zoo_model"
    "$python" tools/infer.py "$track" --config "$zoo_model" \
        --out-dir "${demo}_zoo"
    made+=("${demo}_zoo"/*)
fi

doing=
say 'done. What was made:'
for path in "${made[@]}"; do
    case "$path" in
        /*) echo "  $path" ;;
        *) echo "  $root/$path" ;;
    esac
done
