#!/usr/bin/env bash
# The $names in a query are GraphQL's.
# shellcheck disable=SC2016
# Deploys one exact commit of services to one environment of Railway, waits for the platform's verdict, asks the services themselves, and
# rolls all of them back where anything of that fails.
#
# usage: deploy.sh ENVIRONMENT COMMIT KEY...
#
# BLACKROAD   the command line, which checks what runs afterwards
# For the others see platform.sh.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=.github/scripts/platform.sh
. "$here/platform.sh"

if [ $# -lt 2 ]; then
    echo "usage: deploy.sh ENVIRONMENT COMMIT KEY..." >&2
    exit 2
fi
target=$1 commit=$2
shift 2
known "$target"
if [[ ! $commit =~ ^[0-9a-f]{40}$ ]]; then
    echo "$commit is no commit: its full name has 40 hexadecimal digits" >&2
    exit 2
fi
if [ $# = 0 ]; then
    echo "no service is touched; nothing is deployed"
    exit 0
fi
blackroad=${BLACKROAD:-blackroad}

name_of() { # key
    "$blackroad" --json registry "$1" | jq -er .name
}

preflight "$target"

# All that can be known to be wrong is found before anything is changed.
declare -A id name previous deployment
for key in "$@"; do
    name[$key]=$(name_of "$key")
    id[$key]=$(id_of "${name[$key]}")
    good=$(newest "${id[$key]}" SUCCESS)
    previous[$key]=${good#* }
done

roll_back() {
    local key outcome=0
    for key in "${!deployment[@]}"; do
        if [ -z "${previous[$key]}" ]; then
            echo "${name[$key]}: nothing ran before, so there is nothing to go back to" >&2
            outcome=1
            continue
        fi
        "$here/rollback.sh" --yes "$target" "$key" "${previous[$key]}" || outcome=1
    done
    return $outcome
}

failed() { # why
    echo "$1" >&2
    if [ ${#deployment[@]} -gt 0 ]; then
        echo "rolling back ${!deployment[*]}" >&2
        roll_back || echo "not everything could be rolled back; docs/how-to/roll-back.md says what to do by hand" >&2
    fi
    exit 1
}

for key in "$@"; do
    answer=$(ask 'mutation ($service: String!, $environment: String!, $commit: String!) { serviceInstanceDeployV2(serviceId: $service, environmentId: $environment, commitSha: $commit) }' \
        service "${id[$key]}" environment "$environment" commit "$commit") || failed "$key could not be deployed"
    deployment[$key]=$(jq -r .serviceInstanceDeployV2 <<<"$answer")
    echo "${name[$key]}: deployment ${deployment[$key]} of $commit"
done
# All build at once; the first bad verdict ends it.
for key in "$@"; do
    verdict "${name[$key]}" "${deployment[$key]}" || failed "$key did not come up"
done

# What the platform says is not what runs: the services are asked which commit they are, how they are, and whether they keep the contract.
touched=$(IFS=,; echo "$*")
case $target in
    # By that name the command line knows the fleet of this machine.
    development) fleet=railway-development ;;
    *) fleet=$target ;;
esac
"$blackroad" verify --env "$fleet" --commit "$commit" --service "$touched" || failed "what runs is not what was deployed"
echo "deployed $* at $commit to $target"
