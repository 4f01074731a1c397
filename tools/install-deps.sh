#!/bin/sh
# install-deps.sh run|build|test: installs from the distribution what is missing, as root or through sudo.
#
# What is there already is left alone, so a second call installs nothing, needs no network and takes a moment.
# Debian 12's names; on another distribution it says what is missing and stops.
set -eu

build="gcc g++ libc6-dev make cmake ninja-build pkg-config git ca-certificates libjson-c-dev libmicrohttpd-dev libgnutls28-dev libsqlite3-dev
       libyaml-dev libcurl4-openssl-dev libssl-dev libzstd-dev liblzma-dev zlib1g-dev python3 libcmocka-dev nodejs npm"
run="$build curl jq"
test="$run valgrind clang clang-format clang-tidy libasan8 libubsan1 libtsan2 xz-utils zstd gzip man-db prometheus-alertmanager prometheus python3-venv chromium pngquant"

case "${1:-build}" in
build) wanted=$build ;;
run) wanted=$run ;;
test) wanted=$test ;;
fresh) wanted="$build debootstrap" ;;
*) echo "usage: $0 run|build|test|fresh" >&2; exit 2 ;;
esac

missing=
for package in $wanted; do
    # node and npm may have come from elsewhere, in one package
    case "$package" in nodejs) command -v node >/dev/null && continue ;; npm) command -v npm >/dev/null && continue ;; esac
    case "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)" in
    installed) ;;
    *) missing="$missing $package" ;;
    esac
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
    echo "install-deps: this is no Debian; install the equivalents of:$missing" >&2
    exit 1
fi
as_root=
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null 2>&1 || { echo "install-deps: run as root, or install sudo; missing:$missing" >&2; exit 1; }
    as_root=sudo
fi
echo "install-deps: installing$missing"
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086
$as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null 2>&1 || {
    $as_root apt-get update -qq
    $as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null
}
