# Needs python3 (3.11 or newer, with venv) and make. `make help` lists the targets.
PY ?= python3
VENV := .venv
BIN := $(VENV)/bin
export DEMO ?= 1
export UV_PYTHON_DOWNLOADS := never
export UV_SYSTEM_CERTS := 1
# Each target starts several processes: the first compiles the modules (3 s), the others find them compiled.
unexport PYTHONDONTWRITEBYTECODE
PYTEST_WORKERS ?= 2
TEST_SERVERS_DATABASE_URL ?= postgres://postgres:postgres@127.0.0.1:5432/postgres
TEST_SERVERS_REDIS_URL ?= redis://127.0.0.1:6379/15

# uv installs in seconds; plain pip does the same job when uv cannot be had.
define install
	@$(PY) -c 'import sys; sys.exit("Python 3.11 ou plus récent est nécessaire (make PY=python3.12 …)" if sys.version_info < (3, 11) else 0)'
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { rm -rf $(VENV); $(PY) -m venv $(VENV); }
	@echo "Installation de $(1)…"
	@( $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-uv.txt \
	   && $(BIN)/uv pip install -q -p $(BIN)/python --require-hashes -r $(1) ) \
	 || $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r $(1)
endef

.DEFAULT_GOAL := help
.PHONY: help run install test check lint test-servers bench lock clean

help: ## Liste les commandes
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

run: $(VENV)/.run-ok ## Installe, prépare et lance le portail de démonstration (PORT=8000, DEMO=0 pour un portail vide)
	@exec $(BIN)/python manage.py portal

install: $(VENV)/.dev-ok ## Installe l'environnement de développement (.venv)

test: check ## Tout vérifier : make check, puis les tests, navigateur compris
	$(BIN)/python -m pytest -n $(PYTEST_WORKERS)

check: $(VENV)/.dev-ok ## Vérifications rapides : ruff, imports, types, gabarits, migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo
	$(BIN)/mypy
	$(BIN)/djlint --lint --quiet templates
	$(BIN)/python manage.py makemigrations --check --dry-run

lint: $(VENV)/.dev-ok ## Corrige ce que ruff sait corriger
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test-servers: $(VENV)/.dev-ok ## Tests sur un PostgreSQL et un Redis existants (TEST_SERVERS_DATABASE_URL, TEST_SERVERS_REDIS_URL)
	DATABASE_URL=$(TEST_SERVERS_DATABASE_URL) REDIS_URL=$(TEST_SERVERS_REDIS_URL) \
	  $(BIN)/python -m pytest -n $(PYTEST_WORKERS) -m "not browser and not embedded"

bench: $(VENV)/.dev-ok ## Mesures de performance
	$(BIN)/python -m pytest tests/bench.py -p no:xdist -s

lock: $(VENV)/.dev-ok ## Recalcule les versions figées (requirements*.txt)
	$(BIN)/uv pip compile -q -U -p $(BIN)/python --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-emit-index-url --no-emit-find-links requirements.in -o requirements.txt
	$(BIN)/uv pip compile -q -U -p $(BIN)/python --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-emit-index-url --no-emit-find-links -c requirements.txt requirements-dev.in -o requirements-dev.txt

clean: ## Efface l'environnement, les données locales et les caches (arrêter le portail avant)
	@test ! -x $(BIN)/python || $(BIN)/python manage.py portal --stop
	rm -rf $(VENV) var .ruff_cache .mypy_cache .pytest_cache .import_linter_cache staticfiles
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.run-ok: requirements.txt requirements-uv.txt
	$(call install,requirements.txt)
	@touch $@

$(VENV)/.dev-ok: requirements-dev.txt requirements-uv.txt
	$(call install,requirements-dev.txt)
	@touch $(VENV)/.run-ok $@
