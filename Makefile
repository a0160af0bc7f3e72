# Everything that people and CI call. The work is done in scripts/.
.DEFAULT_GOAL := help

help: ## Lists the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "%-8s %s\n", $$1, $$2}'

run: build ## Builds and serves two linked arrays until Ctrl-C
	@exec bin/infinisim serve

try: ## Builds, serves, makes a volume by InfiniSDK, and goes on until Ctrl-C
	@exec scripts/try.sh

build: ## Builds bin/infinisim
	@go build -o bin/infinisim ./cmd/infinisim

test: ## Installs what it needs and runs everything: Go tests with -race, the client runs
	@scripts/test.sh

check: ## The fast loop: format, vet, staticcheck, tests of changed packages, tidy
	@scripts/check.sh

lint: ## golangci-lint over everything
	@go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0 run

fuzz: ## Fuzzes everything that reads bytes of others, each target for FUZZTIME, half a minute unless told otherwise
	@scripts/fuzz.sh

image: ## Builds the container images of amd64 and arm64, without a daemon
	@scripts/image.sh

bench: ## Measures speed and memory against floors, in one run
	@scripts/bench.sh $(BENCH)

crash: build ## Kills durable servers, alone and in pairs, and compares what is left
	@go run ./scripts/crash -kills $(or $(KILLS),1000) bin/infinisim
	@go run ./scripts/crash -migrations $(or $(MIGRATIONS),200) bin/infinisim
	@go run ./scripts/crash -pairs $(or $(PAIRS),1) bin/infinisim

sync: build ## Proves by strace that a durable server answers after the sync of its file
	@scripts/sync.sh

full: build ## Fills the disk of a durable server, as root
	@scripts/full-disk.sh

load: build ## Sets bad clients on a server by the thousand; SOAK=10m lets good ones work that long
	@go run ./scripts/load $(if $(SOAK),-soak $(SOAK)) bin/infinisim

observe: build ## Evaluates every query of the dashboard and the alert rules on scrapes of a demo
	@scripts/observe.sh

security: ## The tests of security, gosec, staticcheck and govulncheck
	@scripts/security.sh

golden: ## Writes the golden scripts and the role matrix anew; read the change
	@go test ./sim/model ./sim/replication ./sim/api -run "TestScripts|TestRoles_everyRoute" -update

soak: ## Runs the storm over replication with SEEDS seeds, from FIRST on, for at most LIMIT
	@GOGC=400 nice -n 10 go test ./sim/replication -run TestStorm_seeds -v -storms $(or $(SEEDS),1000) -first-storm $(or $(FIRST),1) -minimise -timeout $(or $(LIMIT),60m)

soak-model: ## Runs the storm over the whole model with SEEDS seeds, from FIRST on, for at most LIMIT
	@GOGC=400 nice -n 10 go test ./sim/lab -run TestStorm_seeds -v -storms $(or $(SEEDS),200) -first-storm $(or $(FIRST),1) -minimise -timeout $(or $(LIMIT),60m)

month: ## Lets DAYS days of replication pass, thirty unless told otherwise
	@go test ./sim/replication -run TestMonth -days $(or $(DAYS),30) -timeout 60m -v | grep -E "days of|^ok|FAIL"

replay: ## Plays FILE, a script of a storm; MINIMISE=1 leaves out what its failure does not need; OF=lab for one of the whole model
	@go test ./sim/$(or $(OF),replication) -run TestReplay -v -count=1 -replay $(abspath $(FILE)) $(if $(MINIMISE),-minimise)

docs: ## Writes docs/fidelity.md, docs/replication.md, docs/cli, docs/environment.md, docs/exit-codes.md and the tables of clients, the files that pages show and the tour anew: what is served, by which source, driven by whom; the states of replicas
	@go test . -run 'TestFidelity|TestClients_table|TestTour_page|TestDocs_files' -update >/dev/null
	@go test ./sim/replication -run TestAtlas -update >/dev/null
	@go test ./cmd/infinisim -run TestReference -update >/dev/null

site: ## Builds the manual as a site into dist/site, and checks it
	@scripts/site.sh

snippets: ## Checks and plays the files of examples/
	@scripts/ci-snippets.sh

release: ## Builds archives, packages and checksums of all platforms into dist/release
	@scripts/release.sh

first: ## Measures the way from git clone to the first call of InfiniSDK
	@scripts/first-call.sh

browser: ## Every view and control of the dashboard in a headless Chromium; pictures in dist/screenshots
	@scripts/browser.sh

openapi: build ## Proves the OpenAPI documents: validator, generated client, schemathesis with EXAMPLES cases a request
	@scripts/openapi.sh

wheel: ## Builds the Python wheel of this platform, the program inside
	@scripts/wheel.sh

clients: build ## The runs with real clients alone
	@scripts/clients.sh

clean: ## Removes what was built and installed
	@rm -rf bin dist python/build .venv* .cache

.PHONY: help run try build test check lint fuzz openapi image bench crash security sync full load observe golden soak soak-model month replay docs site snippets release first browser wheel clients clean
