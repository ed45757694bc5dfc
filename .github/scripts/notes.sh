#!/usr/bin/env bash
# The notes of a release: what changed since the release before, one line a commit, oldest first. A commit's subject says what a user now
# has, so the log is the change log.
#
# usage: notes.sh TAG
set -euo pipefail
if [ $# != 1 ]; then
    echo "usage: notes.sh TAG" >&2
    exit 2
fi
tag=$1
if ! git rev-parse --quiet --verify "refs/tags/$tag^{commit}" >/dev/null; then
    echo "there is no tag $tag here; git fetch --tags brings those of the origin" >&2
    exit 1
fi
before=$(git describe --tags --abbrev=0 --match 'v*' "$tag^" 2>/dev/null || true)
if [ -n "$before" ]; then
    echo "What is new since $before:"
else
    echo "The first release."
fi
echo
git log --no-merges --reverse --format='- %s' "${before:+$before..}$tag"
