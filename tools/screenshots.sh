#!/bin/sh
# screenshots.sh: every view of the dashboard in both themes and at phone width → docs/images/dashboard, packed with pngquant.
# A fleet of its own feeds it, on free ports: two days of history at once, then a day and two hours at 240 times the speed (seven minutes),
# so that forecasts have been scored and every view has its figures; then the clock's own pace. Everything is ended by its pid.
set -eu
cd "$(dirname "$0")/.."
tftd=${TFTD:-build/release/tftd}
control=127.0.0.1:18031
dir=$(mktemp -d)
[ -d tests/browser/node_modules ] || (cd tests/browser && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
TFTD_DASHBOARD_LISTEN='' TFTD_DASHBOARD_GENERATOR_URL=http://$control "$tftd" serve --port 0 --data-dir "$dir/db" >"$dir/log" 2>&1 &
daemon=$!
stream=
trap 'kill $stream $daemon 2>/dev/null; wait 2>/dev/null; rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
i=0
until grep -qs 'url=http' "$dir/log"; do
    i=$((i + 1)); [ $i -lt 60 ] || { cat "$dir/log"; exit 1; }
    sleep 1
done
url=$(sed -n 's/.*url=\(http[^ ]*\).*/\1/p' "$dir/log" | head -n 1)
"$tftd" generate --stream "$url" --control $control --backfill 48h --start "$(date -u -d '26 hours ago' +%Y-%m-%dT%H:%M:%SZ)" \
    --speed 240 --scenario degrading -q &
stream=$!
node tests/browser/screenshots.mjs "$url" "$dir/png"
mkdir -p docs/images/dashboard
for png in "$dir"/png/*.png; do
    pngquant --force --strip --speed 3 64 --output "docs/images/dashboard/$(basename "$png")" "$png"
done
du -sh docs/images/dashboard
