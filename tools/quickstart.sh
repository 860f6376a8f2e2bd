#!/usr/bin/env bash
# From nothing to 3D poses in a minute, and to a trained, tested and compared
# model in about six more on two cores, after the downloads.
#
#   bash tools/quickstart.sh [--no-venv | --system-site | --locked] [--fresh]
#                            [-- arguments of train.py]
#
#   --no-venv       use the active environment instead of making .venv
#   --system-site   make .venv on top of the packages of the Python that runs
#                   it, for example to use its GPU build of torch
#   --locked        install only files whose SHA-256 requirements/lock.txt has
#   --fresh         forget an earlier run's training; without it a finished
#                   training is reused and an interrupted one resumed
#
# Installs what is needed; lifts a 2D track of a real video with a trained
# model of the zoo and draws it; trains a small DiffPose and its context
# encoder on the motion capture inside the package, in few epochs; tests both,
# prints a table, and lifts the track with what was trained. Everything goes
# to work_dirs/quickstart, all messages to quickstart.log there.
set -Eeuo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
config=configs/diffpose_mixste_mini-27_quick.py
track=mmdiffpose/data/demo_track_coco17.json
work_dir=work_dirs/quickstart
log="$work_dir/quickstart.log"
zoo_model=diffpose

say() { echo "[quickstart] $*"; }

setup=()
fresh=
while (($#)); do
    case "$1" in
        --no-venv | --system-site | --locked) setup+=("$1") ;;
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
explain() {
    [[ -n "$doing" ]] || return 0
    # A progress bar is one long line of carriage returns.
    [[ ! -f "$log" ]] || tail -n 15 "$log" | sed 's/.*\r//' >&2
    say "failed while $doing; the messages above say why.$hint" >&2
}
trap explain ERR

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
mkdir -p "$work_dir"
: >"$log"
say "all messages go to $root/$log"

# Run a command of mmdiffpose; what it says goes to the log.
logged() { "$python" -m mmdiffpose.cli "$@" >>"$log" 2>&1; }

# The same for a training, with a line on the screen as an epoch ends.
train() {
    "$python" -m mmdiffpose.cli train "$@" 2>&1 | tee -a "$log" | awk '
        /stage 1 of 2: / { part = "context encoder" }
        /stage 2 of 2: / { part = "DiffPose" }
        match($0, /Saving checkpoint at [0-9]+ epochs/) {
            split(substr($0, RSTART, RLENGTH), words, " ")
            print "[quickstart]   " part ": epoch " words[4] " done"
            fflush()
        }'
}

# Lift the track into a folder, and say where its picture is.
lift() {
    local folder="$1"
    shift
    logged infer "$track" --out-dir "$folder" "$@"
    say "  picture: $(ls "$root/$folder"/*.png)"
}

say "1/4 lifting a 2D track of a real video with the zoo's $zoo_model"
doing="lifting the track with the zoo's $zoo_model"
lift "$work_dir/zoo" --config "$zoo_model"

finished="$work_dir/training_finished"
if [[ -e "$finished" ]]; then
    say "2/4 reusing the training in $work_dir (--fresh trains again)"
    hint=' If the code has changed since the training, add --fresh.'
else
    say '2/4 training a small DiffPose: its context encoder first, then the' \
        'diffusion head, about five minutes on two cores'
    doing='training'
    hint=' The next run goes on from the last saved epoch.'
    train "$config" --work-dir "$work_dir" --resume "$@"
    touch "$finished"
fi

say '3/4 testing both on a person and motions that training never saw'
doing='testing'
checkpoint="$("$python" - "$work_dir" <<'PY'
import sys

from mmdiffpose.engine.work_dir import find_last_checkpoint

print(
    find_last_checkpoint(sys.argv[1])
    or sys.exit(f'there is no checkpoint in {sys.argv[1]}; add --fresh'))
PY
)"
logged test "$config" "$checkpoint" --work-dir "$work_dir/test" \
    --out "$work_dir/metrics.json"
doing='making the table'
"$python" tools/analysis_tools/quickstart_table.py "$work_dir"

say '4/4 lifting the same track with what was trained'
doing='lifting the track'
lift "$work_dir/trained" --config "$config" --checkpoint "$checkpoint"

doing=
say "done. Poses, pictures and animations are in $root/$work_dir/zoo and" \
    "$root/$work_dir/trained, the weights in $checkpoint"
