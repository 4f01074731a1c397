#!/bin/sh
# check-long.sh: what is too long for `make test`. Each line says what it ran; the first failure ends it.
set -eu
cd "$(dirname "$0")/.."
step() { printf '\n== %s\n' "$*"; "$@"; }
step make build
step make check-format
step tools/tidy.sh
step make asan
step build/release/tests/test_tensor_vmath all
step make tsan
step tools/fuzz.sh 60
step env TFTD=build/release/tftd python3 tests/e2e/day_in_the_life.py
step env TFTD_LONG=1 python3 tests/e2e/test_dashboard.py Dashboard.test_twenty_servers
step make check-fresh
echo "check-long: all passed"
