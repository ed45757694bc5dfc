#!/bin/sh
# Puts the peers of the benches of the store and of calls below $PEERS_DIR, from npm, PyPI, apt and crates.io alone. Nothing is
# started, nothing is put into the system, and nothing that the product or its tests need comes from here. What does not install is said
# in the table.
set -u
here=$(cd "$(dirname "$0")" && pwd)
PEERS_DIR=${PEERS_DIR:-$here/../../../target/peers}
mkdir -p "$PEERS_DIR/apt" && PEERS_DIR=$(cd "$PEERS_DIR" && pwd)
cd "$PEERS_DIR" || exit 1

said() { # name, command: says in one line whether it went well, and keeps what was said
    name=$1; shift
    if "$@" >"$PEERS_DIR/$name.log" 2>&1; then echo "$name: installed"; else echo "$name: does not install here, see $PEERS_DIR/$name.log"; fi
}

npm_all() {
    cp "$here/package.json" . && npm install --no-audit --no-fund
}

pip_all() {
    python3 -m venv venv && venv/bin/pip install --quiet -r "$here/requirements.txt"
}

# A package without its service: unpacked, not installed.
unpacked() {
    (cd apt && apt-get download "$@" && for package in *.deb; do dpkg -x "$package" root; done)
}

# A program of ours around a peer.
cargo_of() {
    CARGO_TARGET_DIR="$PEERS_DIR/$1" cargo build --release --locked --manifest-path "$here/$1/Cargo.toml"
}

said npm npm_all
said python pip_all
command -v etcd >/dev/null || said etcd unpacked etcd-server
command -v redis-server >/dev/null || said redis unpacked redis-server redis-tools libjemalloc2 liblzf1
for program in apalis calls; do said $program cargo_of $program; done
