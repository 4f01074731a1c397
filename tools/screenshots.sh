#!/bin/sh
# screenshots.sh: every view of the dashboard in both themes and at phone width → docs/images/dashboard, packed with pngquant.
# A demo fleet of its own feeds it (scenario critical, on free ports), ended by its pid.
set -eu
cd "$(dirname "$0")/.."
tftd=${TFTD:-build/release/tftd}
dir=$(mktemp -d)
[ -d tests/browser/node_modules ] || (cd tests/browser && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
TFTD_DASHBOARD_LISTEN='' TFTD_DASHBOARD_GENERATOR_URL=http://127.0.0.1:18031 "$tftd" serve --demo critical --port 0 --data-dir "$dir/db" >"$dir/log" 2>&1 &
daemon=$!
trap 'kill $daemon 2>/dev/null; wait $daemon 2>/dev/null; rm -rf "$dir"' EXIT INT TERM
i=0
until grep -q 'predictions generated' "$dir/log"; do
    i=$((i + 1)); [ $i -lt 120 ] || { cat "$dir/log"; exit 1; }
    sleep 1
done
url=$(sed -n 's/.*url=\(http[^ ]*\).*/\1/p' "$dir/log" | head -n 1)
sleep 20
node tests/browser/screenshots.mjs "$url" "$dir/png"
mkdir -p docs/images/dashboard
for png in "$dir"/png/*.png; do
    pngquant --force --strip --speed 3 64 --output "docs/images/dashboard/$(basename "$png")" "$png"
done
du -sh docs/images/dashboard
