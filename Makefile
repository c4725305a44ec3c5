# Every target is one npm script; `install` runs first and does nothing when nothing changed.
.PHONY: up demo test test-fast check bench chaos fuzz down clean
.DEFAULT_GOAL := up

up demo test test-fast check bench chaos fuzz down clean: node_modules/.package-lock.json
	@npm run --silent $@

node_modules/.package-lock.json: package-lock.json package.json
	@echo 'Installing the packages of package-lock.json (a minute or two) …'
	@npm ci --no-audit --no-fund --loglevel=error && touch $@
