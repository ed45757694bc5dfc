# shellcheck shell=bash
# The $names in a query are GraphQL's.
# shellcheck disable=SC2016
# Questions to Railway's API, for the scripts beside it; sourced, not run.
#
# RAILWAY_TOKEN     a project token, which is good for one environment
# RAILWAY_API_URL   another endpoint, such as a local one in tests

# ask QUERY [NAME VALUE]...: prints `data`, or says what was refused.
ask() {
    local query=$1 variables='{}' answer status
    shift
    while [ $# -gt 0 ]; do
        variables=$(jq -c --arg name "$1" --arg value "$2" '.[$name] = $value' <<<"$variables")
        shift 2
    done
    # The token goes by a file descriptor, so that no list of processes shows it. A question is asked again where nobody answered; a refusal
    # is an answer.
    if ! answer=$(jq -cn --arg query "$query" --argjson variables "$variables" '{query: $query, variables: $variables}' |
        curl --silent --show-error --max-time 60 --retry "${RETRIES:-3}" --retry-connrefused --write-out '\n%{http_code}' \
            --header @<(printf 'Project-Access-Token: %s\n' "$RAILWAY_TOKEN") --header 'Content-Type: application/json' \
            --data @- "${RAILWAY_API_URL:-https://backboard.railway.com/graphql/v2}"); then
        echo "the platform's API cannot be reached" >&2
        return 1
    fi
    status=${answer##*$'\n'}
    answer=${answer%$'\n'*}
    if ! jq -e . >/dev/null 2>&1 <<<"$answer"; then
        echo "the platform's API answered $status and no JSON" >&2
        return 1
    fi
    if jq -e '.errors | length > 0' >/dev/null <<<"$answer"; then
        echo "the platform refused: $(jq -r '[.errors[].message] | join("; ")' <<<"$answer")" >&2
        return 1
    fi
    jq -c .data <<<"$answer"
}

# Refuses an environment that the registry does not know, before anything is asked.
known() { # environment
    case $1 in
        production | staging | development) ;;
        *)
            echo "there is no environment $1; there are production, staging and development" >&2
            exit 2
            ;;
    esac
}

# Finds out what the token sees, says it, and refuses one of another environment.
preflight() { # environment
    local seen name
    if [ -z "${RAILWAY_TOKEN:-}" ]; then
        echo "RAILWAY_TOKEN is not set: export a project token of the environment $1; in a workflow it is a secret of the GitHub environment $1" >&2
        return 1
    fi
    if ! seen=$(ask 'query { projectToken { project { id name } environment { id name } } }'); then
        echo "where it is the token that is refused: RAILWAY_TOKEN has to be a project token of the environment $1, as the project's settings make them" >&2
        return 1
    fi
    project=$(jq -r .projectToken.project.id <<<"$seen")
    environment=$(jq -r .projectToken.environment.id <<<"$seen")
    name=$(jq -r .projectToken.environment.name <<<"$seen")
    echo "the token sees project $(jq -r .projectToken.project.name <<<"$seen"), environment $name"
    if [ "$1" != "$name" ]; then
        echo "this is meant for $1, and the token is one of $name; export RAILWAY_TOKEN of $1, or exchange the secret RAILWAY_TOKEN of the GitHub environment $1" >&2
        return 1
    fi
    services=$(ask 'query ($id: String!) { project(id: $id) { services { edges { node { id name } } } } }' id "$project") || return 1
}

# The platform's id of a service: it is called by the registry's name, alone or with -production behind it, in every environment.
id_of() { # name
    local id
    id=$(jq -r --arg name "$1" '[.project.services.edges[].node | select(.name == $name or .name == $name + "-production") | .id][0] // empty' <<<"$services")
    if [ -z "$id" ]; then
        echo "the project has no service called $1 or $1-production; docs/how-to/add-a-service.md says how it is brought there; then deploy again" >&2
        return 1
    fi
    echo "$id"
}

# The newest deployment of a service: `STATUS ID`. With a status, the newest that has it.
newest() { # service id, [status]
    local found
    # The arguments of the input are variables too: nothing is pasted into a query.
    found=$(ask 'query ($project: String!, $environment: String!, $service: String!) { deployments(first: 20, input: { projectId: $project, environmentId: $environment, serviceId: $service }) { edges { node { id status createdAt } } } }' \
        project "$project" environment "$environment" service "$1") || return 1
    jq -r --arg status "${2:-}" '[.deployments.edges[].node | select($status == "" or .status == $status)] | sort_by(.createdAt) | last // empty | .status + " " + .id' <<<"$found"
}

# Waits for the platform's verdict on a deployment; 0 where it serves. A build takes minutes, and Railway gives a health check 300 s more.
verdict() { # name, deployment id
    local answer status='' last='' until=$((SECONDS + ${DEPLOY_SECONDS:-2400}))
    while [ "$SECONDS" -lt "$until" ]; do
        answer=$(ask 'query ($id: String!) { deployment(id: $id) { status } }' id "$2") || return 1
        status=$(jq -r .deployment.status <<<"$answer")
        [ "$status" = "$last" ] || echo "$1: $status"
        last=$status
        case $status in
            SUCCESS | SLEEPING) return 0 ;;
            INITIALIZING | QUEUED | WAITING | BUILDING | DEPLOYING) sleep "${POLL_SECONDS:-5}" ;;
            NEEDS_APPROVAL)
                echo "$1: the platform waits for somebody to approve the deployment in its dashboard" >&2
                return 1
                ;;
            # SKIPPED is no success: nothing was built, and what runs is not this commit.
            *)
                echo "$1: the deployment $2 ended as $status; its build and deploy logs say why" >&2
                return 1
                ;;
        esac
    done
    echo "$1: no verdict on deployment $2 after ${DEPLOY_SECONDS:-2400} s; the last was $status" >&2
    return 1
}
