# `make run` and `make test` are the two commands to know; both install, build and do the rest by themselves.
.PHONY: all help deps test-deps build run test test-million fuzz kimi-report format lint bench bench-transform clean
.DEFAULT_GOAL := help

help:
	@echo 'make run      install what is missing, build, start on 127.0.0.1:8000 (HOST, PORT)'
	@echo 'make test     install what is missing, build, all tests (E2E_ARGS="-k cancel" picks end-to-end ones)'
	@echo 'make test-million   the request log with a million exchanges: lists, searches, retention (10 minutes, 4 GB)'
	@echo 'make build    the release binary and plugins.d/'
	@echo 'make lint     formatting, as errors      make format   puts it right'
	@echo 'make bench    how to measure             make clean    removes what was built'
	@echo 'make bench-transform   the Kimi transform beside one that does nothing; kimi-report writes docs/kimi-report.md'
	@echo 'make fuzz     the Kimi transform and the dialects against libFuzzer (SECONDS=300 for each of six targets)'

all: build

deps:
	@scripts/deps.sh

test-deps:
	@scripts/deps.sh test

build: deps
	@scripts/build.sh

run: build
	@exec scripts/run.sh

test: test-deps
	@scripts/build.sh
	@scripts/test.sh

test-million: build
	@bench/log_million.py $(if $(ROWS),--rows $(ROWS))

format:
	@scripts/lint.sh --fix

lint:
	@scripts/lint.sh

bench:
	@cat bench/README.md

bench-transform: build
	@bench/transform/run.sh

fuzz: deps
	@scripts/fuzz.sh $(or $(SECONDS),60)

kimi-report: build
	@scripts/kimi-report.sh

clean:
	rm -rf .build .venv-test .venv-report Tests/Fuzz/.build plugins.d/*.so plugins.d/*.dylib plugins.d/*.new
