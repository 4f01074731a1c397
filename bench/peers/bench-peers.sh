#!/bin/sh
# bench-peers.sh [--quick]: libtft beside ONNX Runtime and PyTorch: same network, weights and windows, alternately in one run.
#
# Sets up build/peers (a Python environment with the pinned versions of requirements.txt; about 5 GB, because PyTorch's wheel
# does not import without its CUDA libraries; no GPU is used), makes the two networks with pytorch-forecasting, exports them to
# ONNX, checks that all compute the same numbers, measures. Writes build/peers/peers.json and peers.svg.
set -eu
cd "$(dirname "$0")/../.."
[ -x build/release/bench/peer_tft ] || { echo "bench-peers: build first (make)" >&2; exit 1; }
peers=build/peers
wanted=$(cat bench/peers/requirements.txt)
if [ "$(cat "$peers/installed" 2>/dev/null)" != "$wanted" ]; then
    python3 -m venv --clear "$peers/venv" || { echo "bench-peers: python3-venv is missing (tools/install-deps.sh test)" >&2; exit 1; }
    if ! "$peers/venv/bin/pip" install --quiet --requirement bench/peers/requirements.txt; then
        echo "SKIP bench-peers: no package index within reach" >&2
        exit 77
    fi
    echo "$wanted" >"$peers/installed"
fi
for case in hidden32 hidden160; do
    [ -s "$peers/cases/$case/model.pt" ] || "$peers/venv/bin/python" bench/peers/case.py "$peers/cases" "$case"
done
exec "$peers/venv/bin/python" bench/peers/run.py "$peers/cases" build/release/bench/peer_tft \
    --json "$peers/peers.json" --svg "$peers/peers.svg" "$@"
