#!/usr/bin/env bash
# Fetches a bitcoind for regtest tests on Debian and Ubuntu: the package bitcoin-knots of Debian's unstable suite with its
# libraries, through a private apt state (nothing is installed), started through its own unpacked loader by a wrapper.
# The last line of output is the wrapper's path. Usage: get-bitcoind.sh [FOLDER]
set -euo pipefail
dir=$(realpath -m "${1:-${XDG_CACHE_HOME:-$HOME/.cache}/hawser/bitcoind}")
wrapper=$dir/bitcoind
if [ -x "$wrapper" ]; then echo "$wrapper"; exit 0; fi
[ "$(id -u)" != 0 ] || sandbox=(-o APT::Sandbox::User=root)
arch=$(dpkg --print-architecture)
# The mirror is whatever this machine's apt already uses for Debian itself (not its security or backports archive).
mirror=$(apt-get indextargets --format '$(ORIGIN) $(SUITE) $(SITE)|$(REPO_URI)|$(SIGNED_BY)' 'Created-By: Packages' | grep -vi -e security -e backports | grep -i debian | head -n 1)
uri=$(cut -d'|' -f2 <<<"$mirror")
[ -n "$uri" ] || { echo 'no Debian mirror found in the apt configuration; install bitcoind yourself' >&2; exit 1; }
key=/usr/share/keyrings/debian-archive-keyring.gpg
[ -f "$key" ] || { echo "missing $key: install debian-archive-keyring" >&2; exit 1; }
work=$dir/apt
mkdir -p "$work"/{lists/partial,cache/archives/partial,root}
: >"$work/status"
echo "deb [signed-by=$key arch=$arch] $uri unstable main" >"$work/sources.list"
opts=(-o Dir::State="$work" -o Dir::State::lists="$work/lists" -o Dir::State::status="$work/status" -o Dir::Cache="$work/cache"
  -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null -o Dir::Etc::preferencesparts=/dev/null
  -o APT::Install-Recommends=false -o APT::Get::List-Cleanup=false -o Acquire::Languages=none "${sandbox[@]:-}")
[ -n "${sandbox[*]:-}" ] || unset 'opts[-1]'
apt-get "${opts[@]}" -qq update >&2
apt-get "${opts[@]}" -qq -y --download-only install bitcoin-knots >&2
for deb in "$work"/cache/archives/*.deb; do dpkg -x "$deb" "$work/root"; done
mv "$work/root" "$dir/root"
rm -rf "$work"
binary=$(find "$dir/root" -type f -name bitcoind | head -n 1)
loader=$(find "$dir/root" -name 'ld-linux*.so.*' | head -n 1)
libs=$(find "$dir/root" -name '*.so*' -printf '%h\n' | sort -u | grep -v -e gconv -e audit | paste -sd:)
printf '#!/bin/sh\nexec "%s" --library-path "%s" "%s" "$@"\n' "$loader" "$libs" "$binary" >"$wrapper"
chmod +x "$wrapper"
"$wrapper" -version | head -n 1 >&2
echo "$wrapper"
