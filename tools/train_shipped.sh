#!/bin/sh
# train_shipped.sh DATA OUT [MAX_TIME]: the exact commands behind the model in models/.
#
# DATA is the folder with bitbrains/2013-07.csv.xz and 2013-08.csv.xz (Grid Workloads Archive GWA-T-12 "rnd" as 5-minute
# CSV); OUT receives the generated fleets and the model. What is held out here is what docs/QUALITY.md judges the model on:
# machines of block 3, everything from 2013-08-25, and generated fleets of other seeds. Two of the fleets are calm (each
# server breaks about once in three weeks), two go through all scenarios.
set -eu
cd "$(dirname "$0")/.."
data=$1 out=$2 time=${3:-20m}
tftd=build/release/tftd
mkdir -p "$out"
fleet() {
    seed=$1
    shift
    [ -s "$out/fleet-$seed.csv" ] ||
        "$tftd" generate --servers 60 --days 40 --step 5m --start 2013-07-10T00:00:00Z --seed "$seed" "$@" -o "$out/fleet-$seed.csv"
}
fleet 201 --incident-rate 0.4
fleet 202 --incident-rate 0.4
fleet 203 --scenario mixed --gaps 1
fleet 204 --scenario mixed --gaps 1
set -x
"$tftd" train --config models/specs/fleet.yaml --out "$out" --max-time "$time" --seed 1 \
    --holdout-servers 3/5x20 --holdout-from 2013-08-25T00:00:00Z \
    "$data/bitbrains/2013-07.csv.xz" "$data/bitbrains/2013-08.csv.xz" \
    "$out/fleet-201.csv@0.06" "$out/fleet-202.csv@0.06" "$out/fleet-203.csv@0.06" "$out/fleet-204.csv@0.06"
