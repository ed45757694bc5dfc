#!/usr/bin/env bash
# Brings satellite repositories to the state of this checkout: each has one service with all that it needs to be built alone. Their history
# is kept: what changed becomes one commit on top of it. What did not change makes none.
#
# usage: sync.sh [--push] [KEY...]      without --push it only shows what it would commit; all services unless some are named
#
# BLACKROAD    the command line
# SATELLITES   where the repositories lie: a URL or a folder before /NAME; https://github.com/{organisation} unless said
# SYNC_TOKEN   a token that may push there, for URLs of https
set -euo pipefail
push=false
if [ "${1:-}" = --push ]; then
    push=true
    shift
fi
for key in "$@"; do
    if [[ $key == -* ]]; then
        echo "$key is no option; usage: sync.sh [--push] [KEY...]" >&2
        exit 2
    fi
done
blackroad=${BLACKROAD:-blackroad}
commit=$(git rev-parse HEAD)
subject=$(git log -1 --format=%s)
author=$(git log -1 --format=%an) email=$(git log -1 --format=%ae)
when=$(git log -1 --format=%aI)
if [ -n "$(git status --porcelain)" ]; then
    echo "the checkout has changes that are in no commit; what is brought to a satellite has a commit to name" >&2
    exit 2
fi
organisation=$(sed -n 's/^organisation = "\(.*\)"$/\1/p' registry.toml)
satellites=${SATELLITES:-https://github.com/$organisation}
# Only what is built from this checkout has a satellite.
keys=("$@")
if [ $# = 0 ]; then
    mapfile -t keys < <("$blackroad" --json satellite list | jq -r '.[]')
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# The token is asked for by git when it needs it: it is in no argument, no URL and no file.
export GIT_TERMINAL_PROMPT=0
if [ -n "${SYNC_TOKEN:-}" ]; then
    # shellcheck disable=SC2016
    git_config=(-c 'credential.helper=!f() { echo username=x-access-token; echo "password=$SYNC_TOKEN"; }; f')
else
    git_config=()
fi

outcome=0
for key in "${keys[@]}"; do
    name=$("$blackroad" --json registry "$key" | jq -er .name)
    place=$folder/$name
    if ! git "${git_config[@]}" clone --quiet "$satellites/$name" "$place"; then
        echo "$name: $satellites/$name cannot be cloned; create the repository, empty, and let the token into it" >&2
        outcome=1
        continue
    fi
    "$blackroad" satellite export "$key" "$place" --replace >/dev/null
    git -C "$place" add --all
    if git -C "$place" diff --cached --quiet; then
        echo "$name: as it is here"
        continue
    fi
    git -C "$place" diff --cached --stat | tail -n 30
    if ! $push; then
        echo "$name: would be brought to ${commit:0:12}; nothing was pushed"
        continue
    fi
    git -C "$place" -c "user.name=$author" -c "user.email=$email" commit --quiet --date "$when" \
        --message "$subject" --message "Source: $commit"
    # Never by force: what somebody pushed there meanwhile is looked at by a person.
    if ! git -C "$place" "${git_config[@]}" push --quiet origin HEAD; then
        echo "$name: the push was refused; somebody else pushed, or the token may not" >&2
        outcome=1
        continue
    fi
    echo "$name: brought to ${commit:0:12}"
done
exit $outcome
