# Everything here works on a fresh Debian 12 with Go, git and make.
# `make deps` installs the rest; it asks for nothing that is there already.

BIN := bin/roadworthy
LINT := bin/golangci-lint

$(BIN): $(shell find cmd internal -name '*.go' -o -name '*.yaml' -o -name '*.css' -o -name '*.html' 2>/dev/null) go.mod
	CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o $@ ./cmd/roadworthy

.PHONY: try test race lint matrix bench soak deps clean
try: deps $(BIN) ## check the guestbook, which passes everything
	$(BIN) check examples/guestbook

test: deps $(BIN) ## all tests, real databases and browsers included
	go test -p 1 -timeout 35m ./...

race: deps
	CGO_ENABLED=1 go test -race -timeout 40m ./...

lint: $(LINT)
	test -z "$$(gofmt -l cmd internal fixtures/*.go examples)"
	go vet ./...
	$(LINT) run --allow-parallel-runners

$(LINT): tools/go.mod
	go build -C tools -o ../$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

matrix: deps $(BIN) ## every honest and cheating application, into docs/matrix.md; ROADWORTHY_MATRIX=full asks each the whole standard
	ROADWORTHY_MATRIX=$${ROADWORTHY_MATRIX:-all} go test -timeout 6h -parallel 2 -run 'TestMatrix$$|TestCompile' ./fixtures -update

bench: deps $(BIN) ## the numbers of docs/benchmarks.md; bench/run needs nginx haproxy caddy gunicorn uwsgi supervisor daemontools wrk
	bench/check/run
	bench/run/run

soak: deps $(BIN) ## the same verdicts again and again
	ROADWORTHY_MATRIX=all go test -timeout 60m -v -run TestExamples ./fixtures
	bench/check/repeat 20
	ROADWORTHY_SOAK=1 go test -timeout 3h -v ./internal/runner ## the runtime, at the length that its goals ask for
	ulimit -n $$(ulimit -Hn) && ROADWORTHY_SOAK=1 go test -timeout 20m -v -run TestManyIdle ./internal/front

deps: ## Debian packages that checks and tests need
	tools/deps

clean:
	rm -rf bin
