#!/usr/bin/env bash
# The release workflow's steps.
#
# usage: release.sh check TAG     the tag is the version of Cargo.toml
#        release.sh push TAG      pushes the images that `make images` made; prints digests=NAME@sha256:… …, the output of a step
#        release.sh sign          signs what DIGESTS names, with the workflow's own identity, and attaches the bill of materials
#        release.sh publish TAG   makes the release
#
# REGISTRY   what stands before each image's name
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
version() {
    awk -F'"' '/^\[workspace.package\]/ { here = 1 } here && /^version = / { print $2; exit }' Cargo.toml
}
case ${1:-} in
    check | push | publish)
        : "${2:?is the tag, such as v$(version)}"
        ;;&
    check)
        if [ "$2" != "v$(version)" ]; then
            echo "the tag is $2, and the version of Cargo.toml is $(version): change one of them" >&2
            exit 1
        fi
        ;;
    push)
        : "${REGISTRY:?says what stands before the name of each image}" "${GHCR_TOKEN:?logs in there}" "${GITHUB_ACTOR:?logs in there}"
        tag=${2#v} pushed=()
        printf '%s' "$GHCR_TOKEN" | docker login --username "$GITHUB_ACTOR" --password-stdin "${REGISTRY%%/*}" >&2
        : >target/release-images.txt
        while read -r _ name; do
            image=$REGISTRY/$name
            docker push "$image:$tag" >&2
            digest=$(docker image inspect --format '{{range .RepoDigests}}{{println .}}{{end}}' "$image:$tag" | grep "^$image@" | head -n 1)
            pushed+=("$digest")
            # As sha256sum writes it: that is what the provenance is made of.
            echo "${digest##*@sha256:}  $image" >>target/release-images.txt
        done < <(.ci/images --list)
        echo "digests=${pushed[*]}"
        ;;
    sign)
        # By digest: a tag can be moved.
        for image in ${DIGESTS:?says what is signed: what push printed}; do
            name=${image##*/}
            cosign sign --yes "$image"
            cosign attest --yes --type cyclonedx --predicate "target/sbom/${name%@*}.cdx.json" "$image"
        done
        ;;
    publish)
        mkdir -p target/release
        gh run download "${GITHUB_RUN_ID:?is the run that built it}" --repo "$GITHUB_REPOSITORY" --name release --dir target/release
        "$here/notes.sh" "$2" >target/notes.md
        mapfile -t files < <(find target/release -type f | sort)
        gh release create "$2" --repo "$GITHUB_REPOSITORY" --verify-tag --title "$2" --notes-file target/notes.md "${files[@]}"
        ;;
    *)
        sed -n '4,9s/^# \{0,1\}//p' "$0" >&2
        exit 2
        ;;
esac
