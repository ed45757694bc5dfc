#!/usr/bin/env bash
# Whether a satellite stands by itself: it is as this checkout would make it, builds, passes its tests, and the service that comes out keeps
# the contract.
#
# usage: satellite.sh KEY
#
# BLACKROAD    the command line
# SATELLITES   where the repositories lie, as for sync.sh
set -euo pipefail
if [ $# != 1 ] || [[ $1 == -* ]]; then
    echo "usage: satellite.sh KEY" >&2
    exit 2
fi
key=$1
blackroad=${BLACKROAD:-blackroad}
organisation=$(sed -n 's/^organisation = "\(.*\)"$/\1/p' registry.toml)
name=$("$blackroad" --json registry "$key" | jq -er .name)
folder=$(mktemp -d)
service=
cleanup() {
    [ -z "$service" ] || kill "$service" 2>/dev/null || true
    rm -rf "$folder"
}
trap cleanup EXIT
git clone --quiet "${SATELLITES:-https://github.com/$organisation}/$name" "$folder/$name"
"$blackroad" satellite export "$key" "$folder/$name" --replace >/dev/null
git -C "$folder/$name" add --all
if ! git -C "$folder/$name" diff --cached --quiet; then
    git -C "$folder/$name" diff --cached --stat
    echo "$name is behind this checkout; the sync workflow brings it on" >&2
    git -C "$folder/$name" reset --quiet --hard
fi
cd "$folder/$name"
cargo test --locked --package "$name"
cargo build --locked --package "$name"
# Any free port; the service says in its log which.
AMNESIA=true PORT=0 LOG_FORMAT=json "${CARGO_TARGET_DIR:-target}/debug/$name" >"$folder/log" &
service=$!
until address=$(grep -o 'listening on http://127[0-9.:]*' "$folder/log"); do
    kill -0 "$service" || {
        cat "$folder/log" >&2
        exit 1
    }
    sleep 0.1
done
"$blackroad" conform "${address#listening on }"
