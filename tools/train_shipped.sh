#!/bin/sh
# train_shipped.sh DATA OUT [MAX_TIME]: the exact commands behind the model in models/.
#
# DATA is the folder with bitbrains/2013-07.csv.xz and 2013-08.csv.xz (Grid Workloads Archive GWA-T-12 "rnd" as 5-minute CSV);
# OUT receives the generated fleets and the model. What is held out here is what docs/QUALITY.md judges it on: machines of
# block 3 and everything from 2013-08-25; the generated fleet of seed 4001 is never trained on.
set -eu
cd "$(dirname "$0")/.."
data=$1 out=$2 time=${3:-35m}
tftd=build/release/tftd
mkdir -p "$out"
for seed in 101 102 103 104; do
    fleet=$out/fleet-$seed.csv
    [ -s "$fleet" ] || "$tftd" generate --servers 60 --days 40 --step 5m --start 2013-07-10T00:00:00Z --seed $seed -o "$fleet"
done
set -x
"$tftd" train --config models/specs/fleet.yaml --out "$out" --max-time "$time" --seed 1 \
    --holdout-servers 3/5x20 --holdout-from 2013-08-25T00:00:00Z \
    "$data/bitbrains/2013-07.csv.xz" "$data/bitbrains/2013-08.csv.xz" \
    "$out"/fleet-101.csv@0.1 "$out"/fleet-102.csv@0.1 "$out"/fleet-103.csv@0.1 "$out"/fleet-104.csv@0.1
