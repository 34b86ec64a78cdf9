#!/bin/sh
# Runs `jepa` and the paper's own code on suite tiny, into the folder that is given, one more seed at a time. Finished cells are kept: the
# same command resumes. SEEDS: which, in order. WEIGHTS: `jepa` or `pytorch`, who draws the initial weights of the paper's code.
set -eu
out=${1:?the folder of the run}
program=${PHYSREP_BENCH:-physrep-bench}
plugins=${PLUGINS:---plugins plugins/jepa --plugins plugin-api/python/examples/paper_jepa}
for setting in "dims=[8,16,32,64,64]" "num_res_blocks=[0,1,1,2,1]" layer_scale=0.0747 chunks=1 sim_coeff=43.6 std_coeff=25.0 \
    cov_coeff=0.52 training.lr=6.52e-3 training.warmup=0.238 training.weight_decay=0.18 "initial_weights=${WEIGHTS:-jepa}"; do
    set -- "$@" --set "paper-jepa.$setting"    # what the suite has for `jepa`
done
shift
seeds=
for seed in ${SEEDS:-0 1 2 3 4}; do
    seeds=${seeds:+$seeds,}$seed
    $program all --suite tiny --device cpu --seeds "$seeds" --out "$out" $plugins --methods "${METHODS:-jepa,paper-jepa}" "$@"
done
