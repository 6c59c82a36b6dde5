# Everything a newcomer needs: `make testnet` and `make test`. Both install what the build needs from the system where they may, and
# name the command where they may not.

CARGO ?= cargo
TETRARCH = target/release/tetrarch
# For example: make testnet ARGS="-n 7"
ARGS ?=

.PHONY: help testnet test build lint mutants bench deny deps clean

help:
	@echo 'make testnet   build, start a local cluster of four replicas, ready to use (ARGS="-n 7" for other options)'
	@echo 'make test      every test'
	@echo 'make lint      formatting, lints and documentation, as CI checks them'
	@echo 'make mutants   puts 24 deliberate bugs back, one at a time: the simulator has to catch each'
	@echo 'make bench     what the state tree costs, 1000 to 1 000 000 keys: about five minutes'
	@echo 'make build     the release binary, $(TETRARCH)'

testnet: build
	$(TETRARCH) testnet up $(ARGS)

build: deps
	$(CARGO) build --release --locked

test: deps
	$(CARGO) test --workspace --locked --no-fail-fast
	$(MAKE) mutants

lint: deps
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- --deny warnings
	RUSTDOCFLAGS='--deny warnings' $(CARGO) doc --workspace --no-deps --locked --quiet

mutants: deps
	$(CARGO) test --locked --package tetrarch-simulator --features mutants --test mutants -- --nocapture

bench: deps
	$(CARGO) bench --locked --package tetrarch-kv --bench tree

# RocksDB's bindings are generated with libclang. ccache is optional: it makes the second build of RocksDB a matter of seconds.
deps:
	@.cargo/system-packages

deny:
	cargo deny check

clean:
	$(CARGO) clean
