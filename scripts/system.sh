#!/usr/bin/env bash
# Installs, on Debian and its relatives, the programs some suites need and neither npm nor PyPI has.
# Idempotent: with everything there it starts no package manager. Nothing here is needed to run Switchyard.
set -euo pipefail

declare -A PACKAGE_OF=([nginx]=nginx [haproxy]=haproxy [wrk]=wrk)

missing=()
for program in nginx haproxy wrk; do
  if ! PATH="$PATH:/usr/sbin:/usr/local/sbin:/sbin" command -v "$program" >/dev/null; then
    missing+=("${PACKAGE_OF[$program]}")
  fi
done
# Debian splits venv out of python3; needed only where python3 is the system's own.
if command -v python3 >/dev/null && ! python3 -c 'import venv, ensurepip' 2>/dev/null; then missing+=(python3-venv); fi
if [ "${#missing[@]}" -eq 0 ]; then exit 0; fi

if ! command -v apt-get >/dev/null; then
  echo "These programs are missing and apt-get is not here to install them: ${missing[*]}" >&2
  exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
  echo "Run as root: sudo bash scripts/system.sh (would install: ${missing[*]})" >&2
  exit 1
fi

export DEBIAN_FRONTEND=noninteractive
# Servers must not start on their own: the suites start their own on free ports.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
  trap 'rm -f "$policy"' EXIT
fi
install() { apt-get install -y --no-install-recommends -o Dpkg::Use-Pty=0 "${missing[@]}" >/dev/null; }
# The package lists are fetched only when the install cannot do without them.
install 2>/dev/null || { apt-get update -q >/dev/null && install; }
echo "installed: ${missing[*]}" >&2
