# Every target is one script of scripts/, which can be run by itself just as well.
# ARGS passes options on, as in `make train ARGS="--epochs 3"` or `make test ARGS="-k layers"`;
# PYTHON=python3.12 chooses the Python that .venv is made with.

ARGS ?=
.DEFAULT_GOAL := help
.PHONY: help train test soak test-cuda check bench wheel clean

help: ## Show these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

train: ## Train the digit network on the MNIST data set that gradx ships
	@scripts/train $(ARGS)

test: ## Run the tests
	@scripts/test $(ARGS)

soak: ## Run the long random tests, for some minutes
	@scripts/soak $(ARGS)

test-cuda: ## Run the CUDA tests on a software device; GRADX_CUDA=real runs them on a GPU
	@scripts/test-cuda $(ARGS)

check: ## Check style and types, then run the tests
	@scripts/check $(ARGS)

bench: ## Run the benchmarks
	@scripts/bench $(ARGS)

wheel: ## Build a wheel in dist/
	@scripts/wheel

clean: ## Remove build products and caches (.venv stays)
	@scripts/clean
