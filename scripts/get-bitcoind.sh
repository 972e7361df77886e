#!/usr/bin/env bash
# Fetches a bitcoind for regtest tests on Debian and its kin: the package bitcoin-knots of Debian's unstable suite with its
# libraries, through a private apt state (nothing is installed), started through its own unpacked loader by a wrapper.
# For regtest only. The last line of output is the wrapper's path. Usage: get-bitcoind.sh [FOLDER]
set -euo pipefail
dir=$(realpath -m "${1:-${XDG_CACHE_HOME:-$HOME/.cache}/hawser/bitcoind}")
wrapper=$dir/bitcoind
if [ -x "$wrapper" ]; then echo "$wrapper"; exit 0; fi
# The mirror is whatever this machine's apt already uses for Debian itself (not its security or backports archive). apt
# knows its targets only after an update: one into a private folder where the machine has never had one.
mirror() {
  apt-get "$@" indextargets --format '$(ORIGIN) $(SUITE) $(REPO_URI)' 'Created-By: Packages' |
    grep -i debian | grep -vi -e security -e backports | head -n 1 | awk '{ print $NF }'
}
uri=$(mirror || true)
if [ -z "$uri" ]; then
  mkdir -p "$dir/own/lists/partial" "$dir/own/cache"
  own=(-o Dir::State::lists="$dir/own/lists" -o Dir::Cache="$dir/own/cache" -o APT::Sandbox::User=root)
  apt-get "${own[@]}" -qq update >&2
  uri=$(mirror "${own[@]}" || true)
  rm -rf "$dir/own"
fi
[ -n "$uri" ] || { echo 'no Debian mirror in the apt configuration: install a bitcoind and set HAWSER_BITCOIND' >&2; exit 1; }
key=/usr/share/keyrings/debian-archive-keyring.gpg
[ -f "$key" ] || { echo "missing $key: install debian-archive-keyring" >&2; exit 1; }
work=$dir/work
rm -rf "$work" "$dir/root"
mkdir -p "$work"/lists/partial "$work"/cache/archives/partial "$dir/root"
: >"$work/status"
echo "deb [signed-by=$key arch=$(dpkg --print-architecture)] $uri unstable main" >"$work/sources.list"
options=(-o Dir::State="$work" -o Dir::State::lists="$work/lists" -o Dir::State::status="$work/status"
  -o Dir::Cache="$work/cache" -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null
  -o Dir::Etc::preferencesparts=/dev/null -o APT::Install-Recommends=false -o Acquire::Languages=none)
# As root apt would drop to a user who cannot write here.
if [ "$(id -u)" = 0 ]; then options+=(-o APT::Sandbox::User=root); fi
apt-get "${options[@]}" -qq update >&2
# With an empty status file every library counts as missing, so all of them are fetched.
apt-get "${options[@]}" -qq -y --download-only install bitcoin-knots >&2
for deb in "$work"/cache/archives/*.deb; do dpkg -x "$deb" "$dir/root"; done
rm -rf "$work"
binary=$(find "$dir/root" -type f -name bitcoind | head -n 1)
loader=$(find "$dir/root" -name 'ld-linux*.so.*' | head -n 1)
libraries=$(find "$dir/root" -name '*.so*' -printf '%h\n' | sort -u | grep -v -e gconv -e audit | paste -sd:)
printf '#!/bin/sh\nexec "%s" --library-path "%s" "%s" "$@"\n' "$loader" "$libraries" "$binary" >"$work.sh"
chmod +x "$work.sh"
"$work.sh" -version | head -n 1 >&2
mv "$work.sh" "$wrapper"
echo "$wrapper"
