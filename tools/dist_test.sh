#!/usr/bin/env bash
# Test with several processes: one per GPU, or on the CPU where there is
# none (the processes then talk through gloo).
#
#   bash tools/dist_test.sh CONFIG CHECKPOINT PROCESSES [arguments of test.py]
#
# Several machines: set NNODES, NODE_RANK, MASTER_ADDR and PORT on each.
exec bash "$(dirname "${BASH_SOURCE[0]}")/dist_run.sh" test.py "$@"
