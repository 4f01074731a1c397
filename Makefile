# A thin front: CMake builds, CTest tests. `make help` lists the targets.
SHELL   := /bin/sh
PREFIX  ?= /usr/local
DESTDIR ?=
JOBS    ?= $(shell nproc)
TFTD    := build/release/tftd

.PHONY: deb screenshots help run build test check-long check-fresh install bench bench-peers accept-instructions bench-kernels quality asan tsan coverage format check-format tidy man clean fuzz deps-run deps-build deps-test

help:
	@echo "make run          install what is missing, build, start the demo fleet and say where to look"
	@echo "make test         install what the tests need, build, run every test"
	@echo "make build        build only                      -> $(TFTD)"
	@echo "make bench        figures of this machine: forecasts, training, ingest, memory"
	@echo "make accept-instructions   take today's instruction counts as those to compare with (docs/PERFORMANCE.md)"
	@echo "make bench-peers  the same network in ONNX Runtime and PyTorch, alternately (downloads about 5 GB once)"
	@echo "make quality      trains, judges, writes docs/QUALITY.md and docs/MODEL_CARD.md (an hour; QUALITY_MODEL=DIR judges one)"
	@echo "make screenshots  every view of the dashboard, both themes and phone -> docs/images/dashboard"
	@echo "make check-long   the longer checks: sanitizers, valgrind, clang-tidy, long fuzzing"
	@echo "make check-fresh  the README's two commands in a bare Debian 12 root (needs root, debootstrap)"
	@echo "make deb          a Debian package                -> build/release/tftd_*.deb"
	@echo "make install      DESTDIR= PREFIX=$(PREFIX)"
	@echo "make format tidy coverage fuzz clean"

deps-run deps-build deps-test:
	@tools/install-deps.sh $(@:deps-%=%)

# Configures once; CMake itself notices new files afterwards.
build/%/build.ninja: CMakeLists.txt CMakePresets.json cmake/options.cmake
	@cmake --preset $* >build-$*.log 2>&1 || { cat build-$*.log; rm -f build-$*.log; exit 1; }
	@rm -f build-$*.log; touch $@

build: build/release/build.ninja
	@cmake --build build/release -j $(JOBS) -- --quiet

run: deps-run build
	@exec $(TFTD) serve --demo

test: deps-test build
	@cd build/release && ctest --output-on-failure -j $(JOBS)

screenshots: deps-test build
	@tools/screenshots.sh

asan tsan: %: build/%/build.ninja
	@cmake --build build/$* -j $(JOBS) -- --quiet
	@cd build/$* && ctest --output-on-failure -j $(JOBS) -LE timing

check-long: deps-test
	@tools/check-long.sh

check-fresh:
	@tools/check-fresh.sh

bench: build
	@tools/bench.sh

# The counts that ctest -L bench compares with become those of this build; commit them with the reason.
accept-instructions: build
	@tools/instructions.py build/release/bench/instructions --accept

bench-peers: build
	@bench/peers/bench-peers.sh

quality: build
	@python3 tools/quality.py

install: build
	@cmake --install build/release --prefix "$(PREFIX)" >/dev/null && echo "installed under $(DESTDIR)$(PREFIX)"

man: build
	@python3 tools/make_man.py build/release/tftd

deb: build
	@cd build/release && cpack -G DEB >/dev/null && ls -1 "$$PWD"/tftd_*.deb

coverage: build/coverage/build.ninja
	@cmake --build build/coverage -j $(JOBS) -- --quiet
	@cd build/coverage && ctest -j $(JOBS) && lcov -q -c -d . -o coverage.info && lcov -q -e coverage.info '*/src/*' -o coverage.info && lcov --list coverage.info | tail -3

SOURCES = $(shell git ls-files 'src/*.c' 'src/*.h' 'include/*.h' 'tests/*.c' 'tests/*.h' 'fuzz/*.c' 'bench/*.c' 'bench/*.h' 'docs/examples/*.c')
format:
	@clang-format -i $(SOURCES)
check-format:
	@clang-format --dry-run --Werror $(SOURCES)
tidy: build/release/build.ninja
	@tools/tidy.sh

fuzz:
	@tools/fuzz.sh

clean:
	@rm -rf build
