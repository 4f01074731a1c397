#!/bin/sh
# bench.sh: figures of this machine, printed with units; nothing is asserted. Programs are bench/bench_<thing>.c.
set -eu
cd "$(dirname "$0")/.."
echo "machine: $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores, $(uname -sr); $(date -u +%Y-%m-%d)"
for program in build/release/bench/bench_*; do
    [ -x "$program" ] && [ -f "$program" ] || continue
    printf '\n== %s\n' "$(basename "$program")"
    TFTD=build/release/tftd "$program"
done
