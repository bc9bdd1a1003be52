# The commands of this project. Only Go is needed for build and demo; test, bench and fuzz say what else they use.
SHELL  := /bin/bash
GO     ?= go
BINARY := bin/tokenbooth
TOOL   := $(GO) tool -modfile=tools/go.mod

.PHONY: build demo generate test check packages clients race e2e steady soak browser bench fuzz clean

## build: the one binary, static
build:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags="-s -w" -o $(BINARY) ./cmd/tokenbooth

## demo: every contract of the seeds at work on this machine; flags for it go into ARGS: make demo ARGS="--empty --fresh"
demo: build
	./$(BINARY) demo $(ARGS)

## generate: the server that the operators' API promises, from its contract
generate:
	$(GO) generate ./internal/admin

## test: everything that must pass; what .ci/run runs
test: check packages race e2e steady browser

## check: form and shape, without running the product
check:
	@echo '== gofmt'; files=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$files" || { echo "not gofmt-ed:"; echo "$$files"; exit 1; }
	@echo '== vet'; $(GO) vet ./...
	@echo '== staticcheck'; $(TOOL) staticcheck $$($(GO) list ./...)
	@echo '== size'; CGO_ENABLED=0 $(GO) build -trimpath -ldflags="-s -w" -o $(BINARY) ./cmd/tokenbooth; \
	  size=$$(stat -c %s $(BINARY)); echo "$$((size >> 20)) MiB"; test $$size -le $$((30 << 20)) || { echo 'the binary is over 30 MiB'; exit 1; }

## packages: nginx and Caddy, which tests put in front of a real API, Chromium, which looks at the console, strace, which makes a disk
## fail, and zstd, which reads an export; what is missing is installed from Debian
packages:
	@missing=$$(for p in nginx caddy chromium strace zstd; do PATH=$$PATH:/usr/sbin command -v $$p >/dev/null || echo $$p; done); test -z "$$missing" || { \
	  command -v apt-get >/dev/null || { echo "the tests need $$missing; install it"; exit 1; }; \
	  sudo=$$(test $$(id -u) = 0 || echo sudo); echo "== installing" $$missing; \
	  $$sudo timeout 300 apt-get -qq update; \
	  $$sudo env DEBIAN_FRONTEND=noninteractive timeout 300 apt-get -qq install -y --no-install-recommends $$missing; }

## clients: OAuth clients for Node that others wrote, which tests have ask for tokens
clients:
	@command -v npm >/dev/null || { echo 'the tests of client libraries need npm'; exit 1; }
	cd test/clients && timeout 300 npm ci --no-audit --no-fund

## race: unit and shape tests under the race detector; the scripts without it, which start the command hundreds of times
race: clients
	$(GO) test -race -skip '^TestScripts$$' -timeout 10m $$($(GO) list ./... | grep -v -e /test/e2e -e /test/steady)
	$(GO) test -run '^TestScripts$$' -timeout 5m ./cmd/tokenbooth

## e2e: the seeds' own commands against the real binary (curl and node)
e2e: clients
	@command -v curl >/dev/null || { echo 'e2e needs curl'; exit 1; }
	@command -v node >/dev/null || { echo 'e2e needs node'; exit 1; }
	$(GO) test -count=1 -timeout 8m ./test/e2e

## steady: the real binary on damaged files and failing disks, a sample
steady: packages
	$(GO) test -count=1 -timeout 6m ./test/steady

## soak: the same, all of them
soak: packages
	TOKENBOOTH_SOAK=1 $(GO) test -count=1 -v -timeout 60m ./test/steady

## browser: the console of the real binary in Chromium; its pictures are in test/browser/artefacts
browser: build packages
	@command -v npm >/dev/null || { echo 'browser needs npm'; exit 1; }
	cd test/browser && timeout 300 npm ci --no-audit --no-fund && timeout 1500 npx playwright test

## bench: the table of speed, each figure beside its floor, in one run; then the console's pages on 100,000 clients and 10 million
## events, which takes some minutes and 8 GiB of disk more
bench:
	$(GO) run ./test/load
	$(GO) run ./test/load -only pages

## fuzz: each parser for half a minute
fuzz:
	@for p in $$($(GO) list ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$p | grep '^Fuzz'); do \
	    echo "== $$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime 30s $$p || exit 1; done; done

clean:
	rm -rf bin
