#!/bin/sh
# fuzz.sh [SECONDS]: every fuzz target under libFuzzer, ASan and UBSan, SECONDS each (default 30).
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-30}
CC=clang CXX=clang++ cmake -G Ninja -S . -B build/fuzz -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS_DEBUG='-O1 -g' \
    -DTFTD_SANITIZE=fuzzer-no-link,address,undefined -DTFTD_LIBFUZZER=ON -DTFTD_WERROR=OFF >/dev/null
targets=$(ls fuzz/fuzz_*.c | sed 's,.*/\(.*\)\.c,\1,')
# shellcheck disable=SC2086
cmake --build build/fuzz --target $targets -- --quiet
for target in $targets; do
    grown=$(mktemp -d)
    echo "== $target, $seconds s"
    "build/fuzz/fuzz/$target" -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=10 -print_final_stats=0 -verbosity=0 \
        "$grown" "fuzz/corpus/${target#fuzz_}"
    rm -rf "$grown"
done
