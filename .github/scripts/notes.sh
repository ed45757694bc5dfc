#!/usr/bin/env bash
# The notes of a release: what changed since the release before, one line a commit, oldest first. A commit's subject says what a user now
# has, so the log is the change log.
#
# usage: notes.sh TAG
set -euo pipefail
tag=$1
before=$(git describe --tags --abbrev=0 --match 'v*' "$tag^" 2>/dev/null || true)
if [ -n "$before" ]; then
    echo "What is new since $before:"
else
    echo "The first release."
fi
echo
git log --no-merges --reverse --format='- %s' "${before:+$before..}$tag"
