# Two commands matter: `cargo run --release -- up` runs the fleet, `make test` proves it.

CARGO ?= cargo
FLAGS := --workspace --all-features --locked

.PHONY: test setup format lint docs layers deny unused features unit workflows sbom bill satellite images image-from-source chaos netns openapi fuzz bench bench-peers bench-scale clean

# What CI runs, in the order in which a fault is cheapest to learn of.
test: setup format workflows lint docs unit satellite openapi features bill deny unused

# Installs what the tests need where it can, and says in one line what is missing where it cannot.
setup:
	@.ci/setup

format:
	$(CARGO) fmt --all --check

lint:
	$(CARGO) clippy $(FLAGS) --all-targets -- -D warnings

docs:
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc $(FLAGS) --no-deps

# Unit, property, conformance, layer, integration, power-cut, crash and browser tests, and every example in the documentation.
unit:
	$(CARGO) test $(FLAGS)

# Each feature by itself and none at all: a feature that leans on another unsaid breaks whoever takes it alone.
features:
	$(CARGO) check --locked -p syscall-sdk
	$(CARGO) check --locked -p syscall-sdk --features pages
	$(CARGO) check --locked -p syscall-sdk --features testing

# Licences, bans and sources need no network; the advisory database may be out of reach, and then a line says so.
deny:
	@.ci/deny

unused:
	@.ci/unused

# GitHub's workflows against their schema (check-jsonschema, from PyPI) and the house's rules, the scripts against shellcheck.
workflows:
	@.ci/workflows

# What each service's image is made of, in CycloneDX, below target/sbom, held against its schema. `make sbom SERVICES=core`.
sbom:
	@.ci/sbom $(SERVICES)

# One of them, for each test run.
bill:
	@.ci/sbom core

# One service by itself, as its satellite repository has it, built and tested there from what is in the lock file, without the network: `make satellite SATELLITE=core`.
SATELLITE ?= root
satellite:
	@.ci/satellite $(SATELLITE)

# The images of all nine from source, with docker, podman or buildah, whichever is here: `make images SERVICES="core docs"`, ENGINE, RUST_IMAGE,
# RUNTIME_IMAGE, REGISTRY and others as .ci/images says. Ten minutes for the dependencies, two for each link; needs the base images' registries.
images:
	@.ci/images $(SERVICES)

# The image of core compiled within the build, on bases made of this machine's own compiler, and what it comes to in size, memory and time: a
# quarter of an hour, as root. The ordinary tests build the same image around a binary that is there.
image-from-source:
	$(CARGO) test $(FLAGS) --test it -- --ignored --nocapture compiled_from_source

# Kills processes until something is lost, on both stores, and prints what it came to: `make chaos KILLS=1000 SEED=7`. The ordinary
# tests kill 20 times. Some minutes; see docs/explanation/durability.md.
KILLS ?= 220
SEED ?= 1
chaos:
	$(CARGO) test --locked -p syscall-sdk --all-features --test chaos -- --kills $(KILLS) --seed $(SEED)

# One ill replica of three, and a redeploy of all, in network namespaces: half a minute, as root, with iproute2. The ordinary tests
# run it too; here it prints its table. See docs/benchmarks.md.
netns:
	$(CARGO) test --locked -p syscall-sdk --all-features --test netns

# Random requests made of the services' own OpenAPI documents (schemathesis, from PyPI): no fault of ours, no undocumented status, no body
# of another shape. `make openapi EXAMPLES=200 SEED=7` looks longer.
EXAMPLES ?= 10
openapi:
	$(CARGO) build $(FLAGS) --bin blackroad
	EXAMPLES=$(EXAMPLES) SEED=$(SEED) .ci/schemathesis target/debug/blackroad

# Each target under libFuzzer for a minute (`make fuzz SECONDS=600`), from the corpus that is kept; the ordinary tests feed the corpus and
# mutations of it. Wants a nightly compiler, since the instrumentation is not stable, and installs cargo-fuzz.
SECONDS ?= 60
fuzz:
	@.ci/fuzz $(SECONDS)

# Ratios from one run, what a call costs, and what the store carries; see docs/benchmarks.md.
bench:
	$(CARGO) bench --locked -p blackroad --bench fleet
	$(CARGO) bench --locked -p syscall-sdk --bench rpc
	$(CARGO) test --locked --release -p syscall-sdk --lib -- --ignored --nocapture what_a_pick_and_a_record_cost
	$(CARGO) test --locked --release -p syscall-sdk --all-features --test it -- --ignored --nocapture what_the_wall_costs
	$(CARGO) bench --locked -p syscall-sdk --bench store

# Calls and the store beside their peers, in one run. Apart from `bench`, since it fetches some 700 MB of other people's programs below
# $PEERS_DIR (target/peers unless said) and wants Python, npm and apt; nothing else ever needs them.
bench-peers:
	sdk/benches/peers/install.sh
	rm -f target/bench-peers.json
	$(CARGO) bench --locked -p syscall-sdk --bench store -- enqueue drain flows state events latency --json $(CURDIR)/target/bench-peers.json
	sdk/benches/peers/run.sh $(CURDIR)/target/bench-peers.json
	@sdk/benches/peers/table.py target/bench-peers.json
	CARGO=$(CARGO) sdk/benches/peers/calls.sh

# Ten million of everything: some minutes and 10 GB of $TMPDIR.
bench-scale:
	$(CARGO) bench --locked -p syscall-sdk --bench store -- scale embedded

clean:
	$(CARGO) clean
