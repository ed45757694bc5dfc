#!/usr/bin/env bash
# The $names in a query are GraphQL's.
# shellcheck disable=SC2016
# Takes one service of one environment back to an earlier deployment: image and variables as they were. Railway keeps images for 72 h (Hobby)
# or 120 h (Pro).
#
# usage: rollback.sh [--yes] ENVIRONMENT KEY [DEPLOYMENT]     the last successful one before the newest, unless said
#
# By hand it says what it would do, and does it with --yes alone.
#
# BLACKROAD   the command line, which knows the services' names
# For the others see platform.sh.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=.github/scripts/platform.sh
. "$here/platform.sh"

yes=${GITHUB_ACTIONS:-false}
if [ "${1:-}" = --yes ]; then
    yes=true
    shift
fi
if [ $# -lt 2 ] || [ $# -gt 3 ] || [[ $1 == -* || $2 == -* || ${3:-} == -* ]]; then
    echo "usage: rollback.sh [--yes] ENVIRONMENT KEY [DEPLOYMENT]" >&2
    exit 2
fi
target=$1 key=$2 to=${3:-}
known "$target"
name=$("${BLACKROAD:-blackroad}" --json registry "$key" | jq -er .name)
preflight "$target"
id=$(id_of "$name")
if [ -z "$to" ]; then
    found=$(ask 'query ($project: String!, $environment: String!, $service: String!) { deployments(first: 20, input: { projectId: $project, environmentId: $environment, serviceId: $service }) { edges { node { id status createdAt canRollback } } } }' \
        project "$project" environment "$environment" service "$id")
    # What runs is the newest that came up; before it there are those that it replaced, which the platform has removed since.
    to=$(jq -r '[.deployments.edges[].node | select(.canRollback)] | sort_by(.createdAt) | reverse
        | (map(.status == "SUCCESS") | index(true)) as $now
        | if $now == 0 then .[1:] else . end | .[0].id // empty' <<<"$found")
    if [ -z "$to" ]; then
        echo "$name: the platform keeps no earlier deployment to go back to; deploy an earlier commit instead" >&2
        exit 1
    fi
fi
runs=$(newest "$id" SUCCESS)
echo "$name in $target: from deployment ${runs#* } back to $to"
if [ "$yes" != true ]; then
    echo "nothing was changed; with --yes it is done"
    exit 0
fi
before=$(newest "$id")
ask 'mutation ($id: String!) { deploymentRollback(id: $id) }' id "$to" >/dev/null
echo "$name: rolling back to deployment $to"
# A rollback is a deployment of its own, which the platform names nowhere but in its list.
until=$((SECONDS + 120))
now=$before
while [ "$now" = "$before" ] && [ "$SECONDS" -lt "$until" ]; do
    sleep "${POLL_SECONDS:-5}"
    now=$(newest "$id")
done
if [ "${now#* }" = "${before#* }" ]; then
    echo "$name: the platform took the rollback and made no deployment of it within 120 s; look at its dashboard" >&2
    exit 1
fi
verdict "$name" "${now#* }"
