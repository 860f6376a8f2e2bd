#!/usr/bin/env bash
# Train with several processes: one per GPU, or on the CPU where there is
# none (the processes then talk through gloo).
#
#   bash tools/dist_train.sh CONFIG PROCESSES [arguments of train.py]
#
# Several machines: set NNODES, NODE_RANK, MASTER_ADDR and PORT on each.
exec bash "$(dirname "${BASH_SOURCE[0]}")/dist_run.sh" train.py "$@"
