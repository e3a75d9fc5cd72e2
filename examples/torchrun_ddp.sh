#!/usr/bin/env bash
# Data-parallel training on one or several machines: each rank renders what it trains on.
#
#   examples/torchrun_ddp.sh 8                        # eight GPUs of this machine
#   examples/torchrun_ddp.sh 2 --device cpu           # two processes without a GPU
#   NODES=4 HEAD=node0:29500 examples/torchrun_ddp.sh 8   # the same line on each of four machines
#
# A CPU process is given its share of the cores; otherwise every process would start a thread for each core.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
ranks=${1:?how many processes on this machine}
shift
cores=$(nproc)
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-$((cores > ranks ? cores / ranks : 1))}
export NUMBA_NUM_THREADS=${NUMBA_NUM_THREADS:-$OMP_NUM_THREADS}

if [ "${NODES:-1}" = 1 ]; then
  exec python -m torch.distributed.run --standalone --nproc-per-node "$ranks" "$here/ddp.py" "$@"
fi
exec python -m torch.distributed.run --nnodes "$NODES" --nproc-per-node "$ranks" \
  --rdzv-backend c10d --rdzv-id "${RUN_ID:-ondr}" --rdzv-endpoint "${HEAD:?host:port of one of the machines}" \
  "$here/ddp.py" "$@"
