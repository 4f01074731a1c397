#!/bin/sh
# readme_picture.sh: makes docs/images/forecast.svg from the shipped model and a generated fleet that it never saw.
set -eu
cd "$(dirname "$0")/.."
server=${1:-ppweb003} origin=${2:-2025-10-13T08:00:00Z}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
tftd=build/release/tftd
model=$(ls -d models/tft_model_* | tail -n 1)
"$tftd" generate --days 10 --step 5m --start 2025-10-05T00:00:00Z --seed 4001 -o "$dir/fleet.csv"
"$tftd" forecast --model "$model" --at "$origin" --out "$dir/forecast.csv" "$dir/fleet.csv"
mkdir -p docs/images
python3 tools/fan_chart.py "$dir/fleet.csv" "$dir/forecast.csv" "$server" cpu_pct,latency_ms docs/images/forecast.svg \
    "$server (generated fleet, seed 4001), forecast of $origin"
