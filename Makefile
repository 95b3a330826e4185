# The verbs of this project. Each is one line; scripts/ has what is longer.
TOOL = go tool -modfile=scripts/tools/go.mod

.PHONY: help demo up test check generate lint bench
help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
demo: ## every ending of an order, on the local stack
	go run ./cmd/orderflow demo
up: ## the local stack, until Ctrl-C
	go run ./cmd/orderflow up
test: ## all tests, with the race detector
	go test -race ./...
	@go run ./scripts/emulators 2>/dev/null || true
check: ## everything that must hold (what CI runs)
	.ci/run
generate: ## gen/ from proto/, and the list of units from functions/ and services/
	$(TOOL) buf generate proto --template proto/buf.gen.yaml && go generate ./...
lint: ## formatting, vet, staticcheck, buf
	@bad=$$(gofmt -l .); test -z "$$bad" || { echo "not gofmt-ed: $$bad"; exit 1; }
	go vet ./... && $(TOOL) staticcheck ./... && $(TOOL) buf lint proto
bench: ## benchmarks
	go test -run '^$$' -bench . -benchmem ./...
