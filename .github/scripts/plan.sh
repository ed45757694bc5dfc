#!/usr/bin/env bash
# Says where a push goes and which services it touches, as outputs of a step: environment=production, services=core api.
#
# ENVIRONMENT   where to; by the branch GITHUB_REF_NAME unless said
# SERVICES      keys; those touched since what was deployed there last unless said
set -euo pipefail
environment=${ENVIRONMENT:-}
if [ -z "$environment" ]; then
    case ${GITHUB_REF_NAME:?is the branch; or say ENVIRONMENT} in
        main) environment=production ;;
        staging) environment=staging ;;
        dev) environment=development ;;
        *)
            echo "the branch $GITHUB_REF_NAME is deployed nowhere; main, staging and dev are" >&2
            exit 2
            ;;
    esac
fi
services=${SERVICES:-}
if [ -z "$services" ]; then
    # Forty zeros mean that nothing was deployed there yet: then all are touched.
    since=$(printf '0%.0s' {1..40})
    if git fetch --quiet origin "refs/deployed/$environment" 2>/dev/null; then
        since=$(git rev-parse FETCH_HEAD)
    fi
    echo "what changed since $since is deployed to $environment" >&2
    services=$("${BLACKROAD:-blackroad}" --json affected --since "$since" | jq -r 'join(" ")')
fi
echo "environment=$environment"
echo "services=$services"
