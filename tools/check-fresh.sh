#!/bin/sh
# check-fresh.sh: proves that the README's two commands are enough on a bare Debian 12.
#
# Makes a minimal root with debootstrap, clones the committed tree into it and runs `make test` and `make run` there,
# in a chroot with only what Debian's `minbase` has plus git and make. Needs root; the root is deleted at the end.
#   KEEP=1 keeps it;  FRESH_ONLY=run leaves the tests out.
set -eu
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || { echo "check-fresh: needs root (debootstrap, chroot)" >&2; exit 1; }
tools/install-deps.sh fresh
root=$(mktemp -d /var/tmp/tftd-fresh-XXXXXX)
daemon=
# Ends what runs inside the root, by pid: a process belongs there if its root folder is ours.
end_inside() {
    for process in /proc/[0-9]*; do
        [ "$(readlink "$process/root" 2>/dev/null)" != "$root" ] || kill "${process#/proc/}" 2>/dev/null || true
    done
}
finish() {
    [ -z "$daemon" ] || end_inside
    for m in dev/shm dev proc; do mountpoint -q "$root/$m" && umount "$root/$m" || true; done
    [ -n "${KEEP:-}" ] || rm -rf --one-file-system "$root"
}
trap finish EXIT INT TERM

# The machine's own sources say where packages come from.
mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 2>/dev/null | grep -v security | head -n 1)
echo "== a bare Debian 12 root"
debootstrap --variant=minbase --include=make,git,ca-certificates bookworm "$root" "${mirror:?no Debian source found}" >"$root.log" 2>&1 ||
    { tail -n 20 "$root.log"; exit 1; }
rm -f "$root.log"
cp -rL /etc/apt/sources.list /etc/apt/sources.list.d /etc/apt/apt.conf.d /etc/apt/trusted.gpg.d "$root/etc/apt/" 2>/dev/null || true
rm -f "$root"/etc/apt/apt.conf.d/*docker*
[ -d /usr/share/keyrings ] && cp -r /usr/share/keyrings "$root/usr/share/" || true
cp -L /etc/resolv.conf /etc/hosts "$root/etc/" 2>/dev/null || true
cp -rL /usr/local/share/ca-certificates "$root/usr/local/share/" 2>/dev/null || true
cp -rL /etc/ssl/certs "$root/etc/ssl/" 2>/dev/null || true
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
mkdir -p "$root/dev/shm"; mountpoint -q "$root/dev/shm" || mount -t tmpfs tmpfs "$root/dev/shm"

git clone -q . "$root/root/tftd"
inside() { chroot "$root" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb LANG=C.UTF-8 \
    ${http_proxy:+http_proxy=$http_proxy} ${https_proxy:+https_proxy=$https_proxy} sh -c "cd /root/tftd && $*"; }

echo "== make run"
inside 'apt-get update -qq'
inside 'exec make run' >"$root/run.log" 2>&1 &
daemon=$!
i=0
until inside 'curl -sf http://127.0.0.1:8000/predictions/current' 2>/dev/null | grep -q '"model_type": *"TFT"'; do
    i=$((i + 1))
    if [ $i -gt 900 ] || ! kill -0 $daemon 2>/dev/null; then tail -n 30 "$root/run.log"; echo "check-fresh: make run failed" >&2; exit 1; fi
    sleep 1
done
servers=$(inside "curl -s http://127.0.0.1:8000/predictions/current | jq '.predictions | keys | length'")
echo "after ${i} s of installing, building and starting: $servers servers, model_type $(inside "curl -s http://127.0.0.1:8000/predictions/current | jq -c .metadata.model_type")"
[ "$servers" = 20 ] || exit 1
end_inside
wait $daemon 2>/dev/null || true
daemon=
if [ "${FRESH_ONLY:-}" != run ]; then
    echo "== make test"
    inside 'make test' | tail -n 12
fi
echo "check-fresh: both commands work on a bare Debian 12"
