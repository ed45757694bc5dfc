# One image per service: `docker build --build-arg SERVICE=blackroad-os-core .`, or all of them: `make images`.
#
# No BuildKit-only syntax and no cache mounts: docker, podman and buildah take it, and so does Railway, which refuses a cache mount whose id
# does not name one service. What seldom changes is a layer of its own instead. The base images are arguments, pinned by version here and
# by digest where a registry of one's own has them.

# Rust with the C library's static archives, and the C compiler that SQLite and aws-lc want. Any Linux of the runtime's architecture will do.
ARG RUST_IMAGE=docker.io/library/rust:1.95.0-bookworm
# Certificates, time zones and nothing else: a static binary needs no libc, and there is no shell to be had in it.
ARG RUNTIME_IMAGE=gcr.io/distroless/static-debian12:nonroot
# The service, by the registry's name. On Railway a variable of the service of this name is enough.
ARG SERVICE
# What is compiled: the service, or more of them with spaces between, so that images built one after the other share one compilation.
ARG PACKAGES=${SERVICE}

# What decides the dependencies, with empty sources. Its files are the same until a manifest or the lock changes, and with them every layer
# that begins from them.
FROM ${RUST_IMAGE} AS manifests
WORKDIR /checkout
COPY . .
# What a manifest names besides: a bench that it lists must be there for cargo to read it. The space between the braces keeps find from putting
# the file's name there.
RUN mkdir /manifests \
 && find . \( -name Cargo.toml -o -name Cargo.lock -o -path './.cargo/*' \) -type f -exec cp --parents {} /manifests \; \
 && find . \( -name lib.rs -o -name main.rs -o -name build.rs \) -exec cp --parents {} /manifests \; \
 && cd /manifests \
 && find . -name lib.rs -exec sh -c ': > "$1"' - {} \; \
 && find . \( -name main.rs -o -name build.rs \) -exec sh -c 'echo "fn main() { }" > "$1"' - {} \; \
 && find . -exec touch -h -d @0 {} +

FROM ${RUST_IMAGE} AS build
# Not SERVICE: what a stage is not told cannot make its layers anew.
ARG PACKAGES
# `dist` links for minutes and gives the smallest binary; `release` is for trying.
ARG PROFILE=dist
WORKDIR /checkout
# Static: the image needs no C library, whatever the base. Paths of this stage are not told in panics, nor do they change a binary.
ENV CARGO_INCREMENTAL=0 \
    CARGO_TERM_COLOR=never \
    RUSTFLAGS="-C target-feature=+crt-static --remap-path-prefix=/checkout=/src"
COPY --from=manifests /manifests .
# Each package by itself, so that a binary is the same whether it was built alone or beside others.
RUN : "${PACKAGES:?is empty: name a service of registry.toml, such as --build-arg SERVICE=blackroad-os-core}" \
 && target="$(rustc -vV | sed -n 's/^host: //p')" \
 && for package in $PACKAGES; do cargo build --locked --profile "$PROFILE" --target "$target" --package "$package" || exit 1; done \
 && cargo clean --workspace --profile "$PROFILE" --target "$target" \
 && cargo clean --workspace --profile "$PROFILE"
COPY . .
RUN target="$(rustc -vV | sed -n 's/^host: //p')" \
 && mkdir -p /out/bin /out/data \
 && for package in $PACKAGES; do \
      cargo build --locked --profile "$PROFILE" --target "$target" --package "$package" --bin "$package" \
   && cp "target/$target/$PROFILE/$package" /out/bin/ || exit 1; \
    done

# What the image says of itself, as a file: an engine that keeps layers may take those below for the same as long as no file differs (buildah
# 1.28 does, and told an old commit). It is all that differs between commits which make the same binary.
FROM ${RUST_IMAGE} AS said
ARG RAILWAY_GIT_COMMIT_SHA
ARG COMMIT
ARG VERSION=0.1.0
ARG CREATED
RUN echo "commit=${COMMIT:-$RAILWAY_GIT_COMMIT_SHA} version=$VERSION created=$CREATED" >/said

FROM ${RUNTIME_IMAGE}
ARG SERVICE
COPY --from=build /out/bin/${SERVICE} /service
# Empty, and of the user below: a volume that is mounted here for DATA_DIR takes its owner from it. All else is read-only.
COPY --from=build --chown=65532:65532 /out/data /data
COPY --from=said /said /said
# Railway gives its own variable to builds from GitHub; elsewhere the one who builds says the commit.
ARG RAILWAY_GIT_COMMIT_SHA
ARG COMMIT
ARG VERSION=0.1.0
ARG CREATED
ENV BUILD_COMMIT=${COMMIT:-$RAILWAY_GIT_COMMIT_SHA} \
    BUILD_TIME=${CREATED}
LABEL org.opencontainers.image.title=${SERVICE} \
      org.opencontainers.image.version=${VERSION} \
      org.opencontainers.image.revision=${COMMIT:-$RAILWAY_GIT_COMMIT_SHA} \
      org.opencontainers.image.created=${CREATED} \
      org.opencontainers.image.source=https://github.com/BlackRoad-OS/blackroad-os
# By number, since Kubernetes cannot tell that a name is not root's.
USER 65532:65532
# Process 1, without a shell before it: SIGTERM reaches the drain.
ENTRYPOINT ["/service"]
# Railway asks /health over the network instead and passes this over.
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 CMD ["/service", "health"]
