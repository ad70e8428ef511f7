# Two commands do everything: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
SOURCES := pyproject.toml tools/make-venv.sh

.PHONY: demo test lint pictures benchmark clean

demo: $(VENV)/.demo
	@$(VENV)/bin/profiler demo

test: $(VENV)/.test
	@tools/test.sh "$(VENV)"

lint: $(VENV)/.test
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

# The pictures of the README, drawn by the project itself.
pictures: $(VENV)/.test
	$(VENV)/bin/python tools/pictures.py

# The figures of the README, in one run each.
benchmark: $(VENV)/.benchmark
	$(VENV)/bin/python benchmarks/overhead.py
	$(VENV)/bin/python benchmarks/accuracy.py
	$(VENV)/bin/python benchmarks/upload.py
	$(VENV)/bin/python benchmarks/lifecycle.py
	$(VENV)/bin/python benchmarks/judging.py
	$(VENV)/bin/python benchmarks/census.py
	$(VENV)/bin/python benchmarks/tracing.py

clean:
	rm -rf $(VENV) .venv-* demo profiles flamegraph.html

$(VENV)/.demo: $(SOURCES)
	@tools/make-venv.sh "$(PYTHON)" "$(VENV)" "viewer"
	@touch $@

$(VENV)/.test: $(SOURCES) tools/test-tools.sh tools/lambda-interpreters.sh
	@tools/make-venv.sh "$(PYTHON)" "$(VENV)" "viewer,serve,test,lint"
	@tools/test-tools.sh "$(VENV)"
	@tools/lambda-interpreters.sh
	@touch $@ $(VENV)/.demo

$(VENV)/.benchmark: $(SOURCES)
	@tools/make-venv.sh "$(PYTHON)" "$(VENV)" "viewer,benchmark"
	@touch $@
