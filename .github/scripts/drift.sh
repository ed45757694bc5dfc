#!/usr/bin/env bash
# Whether something elsewhere is still as the registry says; fails where it is not, and says what to do.
#
# usage: drift.sh fleet | platform | dns | contracts
set -euo pipefail
blackroad=${BLACKROAD:-blackroad}
case ${1:-} in
    fleet)
        mapfile -t keys < <("$blackroad" --json satellite list | jq -r '.[]')
        # What runs is behind where a commit that it lacks, of those that were deployed, touches it.
        git fetch --quiet origin refs/deployed/production
        git checkout --quiet --detach FETCH_HEAD
        wrong=0
        for key in "${keys[@]}"; do
            url=$("$blackroad" --json registry "$key" | jq -er .production.cloudflare)
            runs=$(curl --silent --show-error --fail --max-time 20 --retry 2 "$url/version" | jq -r '.commit // empty')
            if [ -z "$runs" ]; then
                echo "$key does not say which commit it runs; set BUILD_COMMIT, or deploy it by the deploy workflow" >&2
                wrong=1
                continue
            fi
            "$blackroad" verify --env production --commit "$runs" --service "$key" || wrong=1
            if "$blackroad" --json affected --since "$runs" | jq -e --arg key "$key" 'index($key)' >/dev/null; then
                echo "$key runs $runs, and what was deployed since touches it: run the deploy workflow for it" >&2
                wrong=1
            fi
        done
        exit $wrong
        ;;
    platform)
        "$blackroad" railway check
        ;;
    dns)
        "$blackroad" dns plan --detailed-exit-code || {
            code=$?
            [ $code != 2 ] || echo "a zone is not as registry.toml says; run the dns workflow, or bring the registry to what the zone is" >&2
            exit $code
        }
        ;;
    contracts)
        "$blackroad" contract check --against production
        ;;
    *)
        echo "usage: drift.sh fleet | platform | dns | contracts" >&2
        exit 2
        ;;
esac
