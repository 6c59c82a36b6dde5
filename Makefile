# Everything a newcomer needs: `make testnet` and `make test`. Both install what the build needs from the system where they may, and
# name the command where they may not. Only `make test` also gets what tests compare with.

CARGO ?= cargo
TETRARCH = target/release/tetrarch
# For example: make testnet ARGS="-n 7"
ARGS ?=

# What `make fuzz` runs, for how long, and where it keeps what it found to be interesting.
TARGET ?= core
SECONDS ?= 60
FUZZ_DIR = target/fuzz-inputs/$(TARGET)
HOST = $(shell rustc -vV | sed -n 's/^host: //p')
# Coverage guidance on the stable toolchain: LLVM's pass for libFuzzer, without a sanitizer.
COVERAGE = -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
	-Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1
GUIDED = $(CARGO) run --locked --profile fuzz --package tetrarch-fuzz --features libfuzzer --bin guided --target $(HOST) --

.PHONY: help testnet test build lint mutants bench fuzz fuzz-seeded fuzz-replay deny deps test-programs clean

help:
	@echo 'make testnet   build, start a local cluster of four replicas, ready to use (ARGS="-n 7" for other options)'
	@echo 'make test      every test'
	@echo 'make lint      formatting, lints and documentation, as CI checks them'
	@echo 'make mutants   puts 27 deliberate bugs back, one at a time: the simulator has to catch each'
	@echo 'make bench     what each part costs, by itself (cargo bench), ten minutes; then everything that is said of speed, beside etcd'
	@echo '               where it is installed, into specs/benchmarks.md: half an hour'
	@echo 'make fuzz      a fuzz target under libFuzzer (TARGET=core SECONDS=300); fuzz-seeded without guidance, on every core'
	@echo '               fuzz-replay runs one input again (TARGET=core FILE=...)'
	@echo 'make build     the release binary, $(TETRARCH)'

testnet: build
	$(TETRARCH) testnet up $(ARGS)

build: deps
	$(CARGO) build --release --locked

test: deps test-programs
	$(CARGO) test --workspace --locked --no-fail-fast
	$(MAKE) mutants

lint: deps
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- --deny warnings
	RUSTDOCFLAGS='--deny warnings' $(CARGO) doc --workspace --no-deps --locked --quiet

mutants: deps
	$(CARGO) test --locked --package tetrarch-simulator --features mutants --test mutants -- --nocapture

bench: build test-programs
	$(CARGO) bench --locked --workspace --bench '*'
	PATH="$(CURDIR)/target/test-programs:$$PATH" $(CARGO) run --release --locked --package tetrarch-cli --example benchmarks -- $(TETRARCH) target/benchmarks --page specs/benchmarks.md

# What is found to be interesting stays in FUZZ_DIR; an input that fails is written there, and its name printed.
fuzz: deps
	mkdir -p $(FUZZ_DIR)
	RUSTFLAGS="$(COVERAGE)" TETRARCH_FUZZ_TARGET=$(TARGET) TETRARCH_FUZZ_SEEDS=$(FUZZ_DIR) \
		$(GUIDED) $(FUZZ_DIR) $(wildcard testnet/fuzz/corpus/$(TARGET)) \
		-artifact_prefix=$(FUZZ_DIR)/found- -max_total_time=$(SECONDS) -max_len=8192 -timeout=10 -rss_limit_mb=2048

fuzz-seeded: deps
	mkdir -p $(FUZZ_DIR)
	$(CARGO) run --locked --profile fuzz --package tetrarch-fuzz --bin fuzz -- run $(TARGET) $(SECONDS) $(FUZZ_DIR)

fuzz-replay: deps
	$(CARGO) run --locked --package tetrarch-fuzz --bin fuzz -- replay $(TARGET) $(FILE)

# RocksDB's bindings are generated with libclang. ccache is optional: it makes the second build of RocksDB a matter of seconds.
deps:
	@.cargo/system-packages

# etcd, etcdctl, protoc and Python's venv. Whatever is not to be had costs only the tests that need it.
test-programs:
	@.cargo/test-programs

deny:
	cargo deny check

clean:
	$(CARGO) clean
