#!/usr/bin/env bash
# The dns workflow's steps: what the zones lack, and bringing them there.
#
# usage: dns.sh plan               says pending=true or pending=false, as the output of a step; the plan goes to standard error
#        dns.sh apply [--confirm]  carries it out; what deletes only with --confirm
set -euo pipefail
blackroad=${BLACKROAD:-blackroad}
case ${1:-} in
    plan)
        code=0
        "$blackroad" dns plan --detailed-exit-code >&2 || code=$?
        case $code in
            0) echo pending=false ;;
            2) echo pending=true ;;
            *) exit "$code" ;;
        esac
        ;;
    apply)
        shift
        "$blackroad" dns apply --yes "$@"
        # What was written is read back: nothing may be left to do.
        "$blackroad" dns plan --detailed-exit-code
        ;;
    *)
        echo "usage: dns.sh plan | apply [--confirm]" >&2
        exit 2
        ;;
esac
