# The verbs. `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Flags for `fotograma dev`, and the events that `make replay` replays.
ARGS ?=
EVENT ?= events/process-video/by-hand.json
AUTH ?= http://127.0.0.1:8001
STATUS ?= http://127.0.0.1:8003

DEV := .fotograma
# Where cargo builds.
BUILD := $(or $(CARGO_TARGET_DIR),target)
# Where the benchmarks keep their Python and, if it is there, what they are compared with.
BENCH_VENV := $(DEV)/bench

# The minimal ffmpeg, where `make ffmpeg` has built it.
ifneq ($(wildcard $(DEV)/bin/ffmpeg),)
export FOTOGRAMA_FFMPEG ?= $(CURDIR)/$(DEV)/bin/ffmpeg
endif

.PHONY: always help up down logs test lint fmt ffmpeg lambda lambda-processor features stacks replay test-status soak simulate simulate-exhaustive outages fuzz
.PHONY: k8s-render k8s-apply test-k8s test-stacks test-images test-node deploy terraform-apply
.PHONY: bench-engine bench-local bench-local-big bench-lambda bench-worker bench-s3 crash

help: ## list the verbs
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: ## install what is missing, build, and run the whole system; Ctrl-C ends it
	@.ci/install run
	@cargo build
	@mkdir -p $(DEV)
	@if [ -t 2 ] && [ -z "$${NO_COLOR:-}" ]; then export FOTOGRAMA_LOG_FORMAT=text CLICOLOR_FORCE=1; fi; \
	  echo $$$$ > $(DEV)/dev.pid; exec $(BUILD)/debug/fotograma dev $(ARGS) 2> >(tee $(DEV)/dev.log >&2)

down: ## end the system that `make up` runs
	@pid=$$(cat $(DEV)/dev.pid 2>/dev/null) && [ "$$(cat /proc/$$pid/comm 2>/dev/null)" = fotograma ] \
	  && kill -TERM $$pid && tail --pid=$$pid -f /dev/null && echo "it has ended; what it stored is in $(DEV)" \
	  || echo "nothing runs here"
	@rm -f $(DEV)/dev.pid

logs: ## follow the logs of the system that `make up` runs
	@test -e $(DEV)/dev.log || { echo "nothing was logged here yet: make up"; exit 1; }
	@echo "$(DEV)/dev.log; Ctrl-C ends this, not the system" >&2; tail -n +1 -f $(DEV)/dev.log

test: ## run all that CI runs
	@.ci/install test
	@.ci/test

lint: ## check formatting, clippy and documentation
	@.ci/lint

fmt: ## format the code
	@cargo fmt --all

ffmpeg: ## build the minimal, static ffmpeg into .fotograma/bin: smaller, quicker to start, safer
	@containers/ffmpeg/build.sh $(DEV)/bin

# Linked by zig, so that it runs on Lambda's C library whatever is on this machine.
LAMBDA_TOOLS := $(DEV)/lambda

$(LAMBDA_TOOLS):
	@python3 -m venv $@ && $@/bin/pip install --quiet cargo-lambda ziglang

lambda: $(LAMBDA_TOOLS) ## build the Lambda functions: target/lambda/fotograma-x86_64.zip, -arm64.zip
	@$(MAKE) --no-print-directory $(BUILD)/lambda/fotograma-x86_64.zip TARGET=x86_64-unknown-linux-gnu
	@$(MAKE) --no-print-directory $(BUILD)/lambda/fotograma-arm64.zip TARGET=aarch64-unknown-linux-gnu

# The function that makes frames is given ffmpeg: the minimal one of `make ffmpeg` on a machine of
# that architecture, or of the image's stage: see docs/deploy.md.
FFMPEG ?= $(DEV)/bin/ffmpeg
ARCH ?= $(subst aarch64,arm64,$(shell uname -m))

lambda-processor: ## put ffmpeg beside it: target/lambda/fotograma-processor-$(ARCH).zip; FFMPEG=<program> ARCH=arm64
	@test -x $(FFMPEG) || { echo "there is no $(FFMPEG): make ffmpeg"; exit 1; }
	@python3 cdk/add-ffmpeg.py $(BUILD)/lambda/fotograma-$(ARCH).zip $(FFMPEG) $(BUILD)/lambda/fotograma-processor-$(ARCH).zip
	@ls -l $(BUILD)/lambda/fotograma-processor-$(ARCH).zip

# Made anew each time: cargo knows what has changed. (A pattern's target cannot be phony.)
$(BUILD)/lambda/fotograma-%.zip: always
	@rustup target add $(TARGET) 2>/dev/null || echo "rustup cannot say whether Rust has $(TARGET)" >&2
	@PATH="$(CURDIR)/$(LAMBDA_TOOLS)/bin:$$PATH" cargo lambda build --release --target $(TARGET) \
	  -p fotograma --bin fotograma --no-default-features --output-format zip --lambda-dir $(BUILD)/lambda/$*
	@mv $(BUILD)/lambda/$*/fotograma/bootstrap.zip $@ && ls -l $@

always: ;

outages: ## an hour of each outage by a moved clock, fifty jobs each, as worker, as functions and with servers; an hour
	@cargo nextest run --workspace --test outages --run-ignored all --no-fail-fast $(ARGS)

fuzz: ## throw hostile events, messages and videos at what reads them: ARGS=<seconds a target>
	@.ci/fuzz $(ARGS)

soak: $(BENCH_VENV) ## 2,000 jobs while AWS fails and workers are killed; nothing may be lost; five minutes at most
	@cargo build --release -q
	@$(BENCH_VENV)/bin/python handlers/tests/soak/soak.py $(BUILD)/release/fotograma $(ARGS)

features: ## write the table of features for the stacks: cdk/features.json
	@cargo run -q -- features --json > cdk/features.json

stacks: ## check and test the CDK app
	@.ci/stacks

# What is deployed, and as what: docs/deploy.md.
COMPUTE ?= lambda
STAGE ?= dev
STACKS ?= --all
CHOICES = -c stage=$(STAGE) -c compute=$(COMPUTE) $(if $(MAIL_FROM),-c mailFrom=$(MAIL_FROM))

deploy: ## deploy the stacks to the AWS account of the shell: STAGE=dev COMPUTE=lambda STACKS=Data ARGS="-c …"
	@.ci/node cdk
	@cd cdk && npx cdk deploy $(STACKS) $(CHOICES) $(ARGS)

terraform-apply: ## for who comes from Terraform: says that CDK does it here, and does it
	@echo "There is no Terraform here: CDK makes the stacks, and this is 'make deploy'." >&2
	@$(MAKE) --no-print-directory deploy

simulate: ## run a million jobs in a simulated world of faults: ARGS="--seed 1", ARGS=prove, ARGS="replay <plan>"
	@cargo run --release -q -p fotograma-simulation -- $(ARGS)

simulate-exhaustive: ## look at every order of events of one video with two faults: ARGS="--faults 1", ARGS="--deed retry"
	@cargo run --release -q -p fotograma-simulation -- exhaustive --seconds 3600 $(ARGS)

test-stacks: stacks ## deploy them to ministack behind enforced roles, and try them
	@cargo build -q
	@FOTOGRAMA_BIN=$(BUILD)/debug/fotograma .ci/ministack

test-images: ## build the images, check them, and run the system from them; many minutes
	@.ci/images

OVERLAY ?= dev

k8s-render: ## show the manifests of an overlay: OVERLAY=dev or prod
	@kubectl kustomize k8s/overlays/$(OVERLAY)

k8s-apply: ## give them to the cluster that kubectl talks to: OVERLAY=dev or prod
	@kubectl apply --server-side -k k8s/overlays/$(OVERLAY)

test-k8s: ## check the manifests, and let a real API server take them and refuse mistakes
	@cargo build -q
	@FOTOGRAMA_BIN=$(BUILD)/debug/fotograma .ci/kubernetes

test-node: ## run the dev overlay on a real node of Kubernetes, and kill, scale and roll out under load
	@cargo build -q
	@FOTOGRAMA_BIN=$(BUILD)/debug/fotograma .ci/cluster

replay: ## run a sample event through its handler: EVENT=events/<feature>/<case>.json
	@cargo run -q -- replay $(EVENT)

test-status: ## list the demo user's videos, as the status-service tells them
	@token=$$(curl -fsS $(AUTH)/auth/login -d '{"username":"paulo","password":"Senha123@"}' \
	  | sed -E 's/.*"access_token":"([^"]*)".*/\1/') \
	  && curl -fsS -H "Authorization: Bearer $$token" $(STATUS)/videos/me && echo

$(BENCH_VENV):
	@python3 -m venv $@ && $@/bin/pip install --quiet boto3 requests ministack cryptography opencv-python-headless numpy

bench-engine: $(BENCH_VENV) ## measure the engine against a full decode and against what others do
	@cargo build --release -q -p fotograma-engine --example extract
	@$(BENCH_VENV)/bin/python engine/bench/bench.py $(BUILD)/release/examples/extract $(ARGS)

bench-local: $(BENCH_VENV) ## measure the embedded AWS against ministack
	@cargo build --release -q -p fotograma-local --example local
	@$(BENCH_VENV)/bin/python local/bench/bench.py $(BUILD)/release/examples/local \
	  --ministack $(BENCH_VENV)/bin/ministack $(ARGS)

bench-local-big: ## bring 5 GiB into the embedded AWS and back, and tell its peak memory
	@cargo build --release -q -p fotograma-local --example local
	@python3 local/bench/big.py $(BUILD)/release/examples/local $(ARGS)

crash: $(BENCH_VENV) ## kill the embedded AWS 50 times under load and check that it kept its word
	@cargo build --release -q -p fotograma-local --example local
	@$(BENCH_VENV)/bin/python local/tests/crash.py $(BUILD)/release/examples/local $(ARGS)

BENCH_NODE := $(DEV)/bench-node

$(BENCH_NODE): handlers/bench/consumers/package.json
	@mkdir -p $@ && cp $< $@ && npm install --silent --no-audit --no-fund --prefix $@ && touch $@

bench-worker: $(BENCH_VENV) $(BENCH_NODE) ## measure the worker against other consumers of a queue
	@cargo build --release -q -p fotograma-bench -p fotograma-local --bins --example local
	@cp $(BUILD)/release/examples/local $(BUILD)/release/local
	@cp handlers/bench/consumers/sqs_consumer.js $(BENCH_NODE)
	@$(BENCH_VENV)/bin/python handlers/bench/worker.py $(BUILD)/release $(BENCH_NODE) $(ARGS)

BENCH_CLIP := $(DEV)/bench-clips/h264-60-10min-front.mp4

$(BENCH_CLIP):
	@cd engine/bench && python3 -c "from clips import Clips; Clips('$(CURDIR)/$(@D)').h264(60)"

bench-s3: $(BENCH_VENV) $(BENCH_CLIP) ## measure a job from S3 to S3 against the same from file to file
	@cargo build --release -q -p fotograma
	@$(BENCH_VENV)/bin/python handlers/bench/s3.py $(BUILD)/release/fotograma $(BENCH_CLIP) $(ARGS)

bench-lambda: $(LAMBDA_TOOLS) ## measure a function's start against a bare one's
	@PATH="$(CURDIR)/$(LAMBDA_TOOLS)/bin:$$PATH" cargo lambda build --release -q \
	  -p fotograma -p fotograma-bench --bin fotograma --bin bare_lambda --no-default-features
	@python3 handlers/bench/start.py $(BUILD)/lambda/fotograma/bootstrap $(BUILD)/lambda/bare_lambda/bootstrap $(ARGS)
