# make            build in place: bin/ringfence then runs this working tree
# make demo       install what is missing, build, and walk a container through its life
# make test       install what the tests need and run them all; TESTS=tests/unit runs some of them
# make test-freebsd  the tests of the jail wall on a FreeBSD host, as root, without anything installed; TESTS="life" chooses
# make install-freebsd  install on FreeBSD, below PREFIX: there is nothing to build
# make bench      compare with runc and crun; BENCH="--rounds 100" passes options on
# make bench-vm   the wall of a machine beside a bare QEMU
# make bench-xen  the wall of a Xen domain beside the toolstack itself, in the lab of the tests
# make bench-image  unpacking a layer beside tar
# make bench-guest  the same on cgroup v2, in the guest of the tests
# make guest      build the kernel of microVMs, some minutes; it is kept below /var/cache/ringfence; ARCH=aarch64 builds
#                 that of another processor, with gcc-aarch64-linux-gnu
# make guest-stock  take the distribution's kernel for them instead, some seconds; it boots more slowly
# make install    install below PREFIX (and DESTDIR); make uninstall removes it again
#
# PYTHON=/path/to/python names the interpreter of the launcher; without it tools/find-python chooses.

PREFIX ?= /usr/local
PYTHON ?=
DESTDIR ?=
TESTS ?=
BENCH ?=
ARCH ?=

interpreter = $(shell tools/find-python $(PYTHON))
init = src/ringfence/libexec/ringfence-init
stage = $(CURDIR)/build/stage
again = $(MAKE) --no-print-directory

walk guest guest-stock bench-vm: export PYTHONPATH = src

.PHONY: all init guest guest-stock demo walk test test-freebsd install-freebsd environment lint bench bench-vm bench-xen bench-image bench-guest measure install uninstall clean

all: init
	@$(interpreter) -I -m compileall -q src
	@tools/write-launcher "$(interpreter)" "$(CURDIR)/src" bin/ringfence

# Meson is configured anew each time (0.4 s), because it lists the sources only then.
init:
	@test -x "$(interpreter)"
	@mkdir -p build $(dir $(init))
	@{ meson setup --prefix /usr -Dpython.platlibdir=/ringfence $(if $(wildcard build/build.ninja),--reconfigure) build \
	    && ninja -C build; } >build/log 2>&1 || { cat build/log; exit 1; }
	@cmp -s build/init/ringfence-init $(init) || \
	    { cp build/init/ringfence-init $(init).new && mv -f $(init).new $(init); }

# Make expands a recipe before it runs its first line; what needs the interpreter that install-needs may have to
# install is therefore a make of its own.
demo:
	@tools/install-needs build demo machine
	@$(again) walk

walk: all
	@$(interpreter) -m tools.demo

test:
	@tools/install-needs build demo machine guest test
	@$(again) environment
	@.venv/bin/pytest $(TESTS)

# FreeBSD's own make comes here too: nothing on the way to these two may be GNU's alone.
test-freebsd:
	@tools/test-freebsd $(TESTS)

install-freebsd:
	@PYTHON="$(PYTHON)" tools/install-freebsd "$(PREFIX)" "$(DESTDIR)"

environment: all
	@tools/test-environment "$(interpreter)" .venv

# They are tests too (tests/packaging/test_linters.py); alone they are faster.
lint:
	.venv/bin/ruff format --check
	.venv/bin/ruff check
	.venv/bin/mypy

# Measured is what engines call: an installation, here one of its own.
bench:
	@tools/install-needs build demo bench
	@$(again) measure

measure:
	@$(again) install PREFIX="$(CURDIR)/build/installed" >/dev/null
	@$(interpreter) -m bench $(BENCH)

bench-vm:
	@tools/install-needs build demo machine guest
	@$(interpreter) -m guest >/dev/null
	@$(again) install PREFIX="$(CURDIR)/build/installed" >/dev/null
	@$(interpreter) -m bench.vm $(BENCH)

bench-xen:
	@tools/install-needs build demo machine guest test
	@$(again) environment
	@.venv/bin/python -m bench.xen $(BENCH)

bench-image:
	@tools/install-needs build
	@$(again) install PREFIX="$(CURDIR)/build/installed" >/dev/null
	@$(interpreter) -m bench.image $(BENCH)

bench-guest:
	@tools/install-needs build demo machine guest test
	@$(again) environment
	@.venv/bin/python -m tests.guest bench $(BENCH)

guest:
	@tools/install-needs build machine guest
	@$(interpreter) -m guest $(ARCH)

guest-stock:
	@tools/install-needs build machine
	@$(interpreter) -m guest stock

install: init
	@rm -rf $(stage)
	@DESTDIR=$(stage) meson install -C build --no-rebuild --quiet
	@tools/install-package "$(interpreter)" $(stage) "$(PREFIX)" "$(DESTDIR)"

uninstall:
	rm -rf "$(DESTDIR)$(PREFIX)/lib/ringfence"
	for name in ringfence-microvm ringfence-xen ringfence-jail runX cc-oci-runtime clr-oci-runtime runj; do \
	    file="$(DESTDIR)$(PREFIX)/bin/$$name"; [ "$$(readlink "$$file")" != ringfence ] || rm -f "$$file"; done
	rm -f "$(DESTDIR)$(PREFIX)/bin/ringfence" \
	    "$(DESTDIR)$(PREFIX)/share/bash-completion/completions/ringfence" \
	    "$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_ringfence" \
	    "$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/ringfence.fish"

clean:
	rm -rf build bin/ringfence src/ringfence/libexec
