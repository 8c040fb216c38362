# SPDX-License-Identifier: ISC
# reeve's build. `make help` lists what it does; nothing is generated outside $(BUILD).

VERSION := 0.1.0

PREFIX ?= /usr/local
SYSCONFDIR ?= $(if $(filter /usr,$(PREFIX)),/etc,$(PREFIX)/etc)
SBINDIR ?= $(PREFIX)/sbin
LIBDIR ?= $(PREFIX)/lib
LIBEXECDIR ?= $(PREFIX)/libexec/reeve
DATADIR ?= $(PREFIX)/share
MANDIR ?= $(DATADIR)/man
BUILD ?= build
CC ?= cc
INSTALL ?= install
V ?= 0

CFLAGS ?= -O2 -g
WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wcast-qual -Wpointer-arith -Wstrict-prototypes \
	-Wmissing-prototypes -Wmissing-declarations -Wswitch-enum -Wvla -Wformat=2 -Wundef \
	-Wwrite-strings -Wunused-result -Wnull-dereference
HARDENING := -fstack-protector-strong -fPIE \
	$(if $(SANITIZE)$(filter -O0,$(CFLAGS)),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
SANITIZER := $(if $(SANITIZE),\
	-fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=all)

CONFIG_LIBS := -lconfig
JSON_LIBS := -ljansson

# curses is optional: CURSES=no builds a reevectl without the screen of top.
CURSES ?= yes
CURSES_LIBS := $(if $(filter yes,$(CURSES)),-lncursesw -ltinfo)
TOP_SCREEN := $(if $(filter yes,$(CURSES)),src/control/top_screen.o,src/control/top_screen_none.o)
SECCOMP_LIBS := -lseccomp
CARES_LIBS := -lcares
# WITH_LIBWRAP=1 builds with tcp_wrappers' library, for the key libwrap.
WITH_LIBWRAP ?= 0
WRAP := $(if $(filter 1 yes,$(WITH_LIBWRAP)),src/resolver/wrap.o,src/resolver/wrap_none.o)
WRAP_LIBS := $(if $(filter 1 yes,$(WITH_LIBWRAP)),-lwrap)

ALL_CFLAGS = -std=gnu11 $(CFLAGS) $(WARNINGS) $(WERROR) $(HARDENING) $(SANITIZER) -Isrc -I. \
	-D_GNU_SOURCE -DREEVE_VERSION='"$(VERSION)"' -DREEVE_SYSCONFDIR='"$(SYSCONFDIR)"' \
	-DREEVE_LIBEXECDIR='"$(LIBEXECDIR)"' $(if $(WRAP_LIBS),-DREEVE_WITH_LIBWRAP)
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now $(SANITIZER) $(LDFLAGS)

# --- who is made of what. reeved holds no protocol code, reeve-gate no privileged call: these
# lists are the proof.
# What says something, and all that takes.
LOG := src/base/explain.o src/base/log.o src/base/log_file.o src/base/log_json.o \
	src/base/log_policy.o src/base/log_ring.o src/base/log_sink.o src/base/netaddr.o \
	src/base/textbuf.o src/base/utf8.o
BASE := $(LOG) src/base/hostname.o src/base/loop.o src/base/name.o src/base/prefix.o src/base/refused.o \
	src/base/saved_read.o src/base/saved_write.o src/base/shared.o src/base/shared_holds.o src/base/shared_log.o \
	src/base/shared_measures.o src/base/shared_places.o src/base/shared_queue.o \
	src/base/shared_sources.o src/base/siphash.o src/base/verdict.o
READER := src/base/hostname.o src/config/access_rule.o src/config/arena.o src/config/clashes.o \
	src/config/banner.o src/config/banner_files.o \
	src/config/complaint.o src/config/conf.o src/config/conf_text.o src/config/config.o \
	src/config/keys.o src/config/layer.o src/config/map.o src/config/meaning.o src/config/ports.o \
	src/config/protocols.o src/config/reader.o src/config/source.o src/config/table.o \
	src/config/value.o src/config/value_read.o src/config/value_write.o src/config/words.o
CONFIG := $(READER) src/base/log_policy.o src/config/builtins.o src/config/check.o src/config/check_access.o \
	src/config/check_accounts.o src/config/check_files.o src/config/check_filter.o \
	src/config/check_banners.o \
	src/config/check_lint.o src/config/check_log.o src/config/check_programs.o src/config/check_reach.o \
	src/config/check_rights.o src/config/check_sockets.o src/config/help.o \
	src/config/host.o src/config/key_place.o src/config/load.o src/config/override.o src/config/places.o src/config/prefix_list.o \
	src/config/print.o

CONTROL_SOCKET := src/supervisor/control.o src/supervisor/control_bans.o src/supervisor/control_census.o \
	src/supervisor/control_connections.o src/supervisor/control_describe.o \
	src/supervisor/control_dispatch.o src/supervisor/control_hold.o src/supervisor/control_log.o src/supervisor/control_peer.o \
	src/supervisor/control_plan.o src/supervisor/control_set.o src/supervisor/control_reload.o src/supervisor/control_status.o \
	src/supervisor/control_upgrade.o src/model/census.o
# What outlives a program, or takes its place.
UPGRADE := src/effects/process.o src/supervisor/adopted.o src/supervisor/bounds_saved.o src/supervisor/draining.o src/supervisor/kept.o src/supervisor/legacy.o \
	src/supervisor/legacy_opened.o src/supervisor/legacy_running.o src/supervisor/legacy_save.o src/supervisor/saved_state.o src/supervisor/store.o src/supervisor/upgrade.o src/supervisor/upgrade_check.o \
	src/supervisor/watchdog.o
# Who looks up names, and whose names and interfaces.
NAMES := src/supervisor/confined.o src/supervisor/hosts.o src/supervisor/interfaces.o \
	src/supervisor/resolver.o
REEVED := $(BASE) $(CONFIG) $(NAMES) $(UPGRADE) src/config/log_wishes.o src/model/access.o src/model/access_build.o \
	src/model/ban.o src/model/ban_book.o src/model/ban_text.o src/model/client_source.o \
	src/model/rate.o src/supervisor/bans.o src/supervisor/bans_export.o \
	src/supervisor/bans_file.o \
	src/model/backoff.o src/model/control_methods.o src/model/plan.o src/model/prefixes.o \
	src/model/varlink.o src/effects/channel.o src/effects/leftover.o src/effects/listen.o \
	src/effects/local.o src/effects/notify.o src/effects/priv.o src/effects/sealed.o \
	src/effects/whole.o src/effects/self.o src/effects/session.o src/effects/sockdiag.o src/effects/spawn.o \
	src/effects/spawn_child.o src/effects/terminal.o src/supervisor/accounts.o \
	src/supervisor/activation.o src/supervisor/announce.o src/supervisor/background.o \
	$(CONTROL_SOCKET) \
	src/supervisor/deadlines.o \
	src/supervisor/dispatch.o src/supervisor/error_files.o src/supervisor/failures.o \
	src/supervisor/gates.o src/supervisor/handed.o src/supervisor/handler_table.o \
	src/supervisor/handlers.o src/supervisor/handover.o src/supervisor/hearing.o \
	src/supervisor/listeners.o src/supervisor/logging.o \
	src/supervisor/measures.o src/supervisor/mistakes.o 	src/supervisor/outfits.o src/supervisor/programs.o src/supervisor/records.o \
	src/supervisor/reload.o src/supervisor/rules.o src/supervisor/rundir.o \
	src/supervisor/services.o src/supervisor/supervisor.o \
	src/supervisor/variables.o \
	src/supervisor/waiting.o src/supervisor/world.o src/reeved.o
GATE_ROOM := src/config/access_rule.o src/config/log_wishes.o src/model/access.o src/model/answers.o src/model/ban.o \
	src/model/client_source.o src/model/openmetrics.o \
	src/model/policy.o src/model/prefixes.o src/model/proxies.o src/model/proxy.o src/model/proxy_facts.o src/model/rate.o src/effects/channel.o \
	src/effects/confinement.o src/effects/sandbox.o src/effects/sealed.o src/effects/whole.o src/gate/admission.o src/gate/arrival.o src/gate/asking.o src/gate/bans.o src/gate/builtin.o \
	src/gate/memory.o src/model/memory.o \
	src/gate/carry.o src/gate/carry_peer.o src/gate/carry_single.o src/gate/carry_table.o \
	src/gate/census.o src/model/census.o \
	src/gate/conn.o src/gate/conn_calls.o src/gate/conn_end.o src/gate/conn_idle.o \
	src/gate/conn_input.o src/gate/conn_output.o src/gate/datagram_queue.o src/gate/datagrams.o \
	src/gate/entrance.o src/gate/gate.o src/gate/hall.o src/gate/kept.o src/gate/limits.o src/gate/listener.o \
	src/gate/listener_hunger.o src/gate/queue.o src/gate/refusal.o src/gate/speech.o src/gate/tarpit.o \
	src/gate/measures.o src/gate/outbox.o src/gate/pool.o src/gate/preface.o src/gate/relay.o \
	src/gate/relay_end.o src/gate/relay_flow.o src/gate/rules.o src/gate/said.o \
	src/gate/service.o src/gate/setup.o src/gate/setup_commit.o src/gate/spawn_request.o \
	src/gate/unix_peer.o
GATE := $(BASE) $(READER) $(GATE_ROOM) services/chargen.o services/chat.o \
	services/chat_command.o services/chat_history.o services/chat_name.o services/chat_room.o services/chat_saved.o \
	services/chat_table.o services/chat_telnet.o services/chat_text.o services/chat_udp.o \
	services/chat_user.o services/daytime.o services/discard.o services/echo.o \
	services/metrics.o services/metrics_request.o services/qotd.o services/registry.o \
	services/tcpmux.o services/time.o src/confined_door.o src/reeve_gate.o
RESOLVER := $(BASE) src/model/answers.o src/model/host_addresses.o src/effects/channel.o src/effects/confinement.o src/effects/sandbox.o \
	src/effects/sandbox_resolver.o src/resolver/askers.o src/resolver/dns.o src/resolver/hosts.o \
	src/resolver/inquiries.o src/resolver/resolver.o $(WRAP) src/confined_door.o \
	src/reeve_resolver.o
REEVECTL := $(CONFIG) $(TOP_SCREEN) src/base/name.o src/base/netaddr.o src/base/prefix.o src/base/refused.o \
	src/base/shared.o src/base/shared_measures.o src/base/shared_places.o src/base/shared_queue.o \
	src/base/shared_sources.o src/base/siphash.o src/base/textbuf.o src/base/utf8.o \
	src/base/verdict.o src/model/access.o src/model/access_build.o src/model/ban.o \
	src/model/ban_book.o src/model/ban_text.o src/model/client_source.o \
	src/model/control_methods.o src/model/host_addresses.o src/model/openmetrics.o src/model/policy.o \
	src/model/prefixes.o src/model/proxies.o src/model/rate.o src/model/varlink.o src/effects/local.o \
	src/control/arguments.o src/control/client.o src/control/completion.o src/control/counters.o \
	src/control/daemon.o src/control/explain.o src/control/explain_asked.o \
	src/control/explain_daemon.o src/control/explain_names.o src/control/explain_rules.o \
	src/control/explain_verb.o src/control/lint.o src/control/lint_access.o \
	src/control/lint_exposure.o src/control/lint_files.o src/control/lint_limits.o \
	src/control/lint_verb.o src/control/metrics.o src/control/output.o src/control/show.o \
	src/control/table.o src/control/top.o src/control/top_keys.o src/control/top_model.o \
	src/control/top_sources.o src/control/verbs.o src/reevectl.o

# --- what there is besides: found by their folders.
# Who runs COMMANDS is an administrator or an init; who runs HELPERS is reeved.
COMMANDS := reeved reevectl
HELPERS := reeve-gate reeve-resolver
PROGRAMS := $(addprefix $(BUILD)/,$(COMMANDS) $(HELPERS))
HANDLERS := $(patsubst services/%,$(BUILD)/%,\
	$(patsubst %.c,%,$(wildcard services/handlers/*.c services/handlers/*.sh)))
PAGES := $(patsubst man/%,$(BUILD)/man/%,$(patsubst %.in,%,$(wildcard man/*.[578] man/*.[578].in)))
UNIT_TESTS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/test_*.c))
BENCH_ACCESS := $(BUILD)/tests/bench/access
BENCH_JUDGE := $(BUILD)/tests/bench/judge
FUZZ_NAMES := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
SOURCES := $(wildcard src/*.c src/*/*.c services/*.c services/handlers/*.c)
TEST_SOURCES := $(wildcard tests/unit/*.c tests/fuzz/*.c tests/bench/*.c)
HEADERS := $(wildcard src/*.h src/*.def src/*/*.h src/*/*.def services/*.h services/*.def)

comma := ,
Q := $(if $(filter 0,$(V)),@)
say = $(if $(Q),@echo "$1 $2")
JOBS ?= $(shell nproc 2>/dev/null || echo 1)
SUBMAKE = $(MAKE) --no-print-directory $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(JOBS))

all: programs man ## build reeved, reeve-gate, reevectl, the example handlers and the man pages
programs: $(PROGRAMS) $(HANDLERS)
man: $(PAGES) ## build the man pages: the key and event lists come from reeved itself

# --- compile and link. $(BUILD)/flags changes when the flags do, so no two kinds of object mix.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS)' | cmp -s - $@ || \
		echo '$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS)' >$@
$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

define link
	@mkdir -p $(@D)
	$(call say,LINK,$(patsubst $(BUILD)/%,%,$@))
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^)
endef

$(BUILD)/reeved: $(addprefix $(BUILD)/,$(REEVED)) Makefile
	$(link) $(CONFIG_LIBS) $(JSON_LIBS)
$(BUILD)/reeve-gate: $(addprefix $(BUILD)/,$(GATE)) Makefile
	$(link) $(CONFIG_LIBS) $(SECCOMP_LIBS)
$(BUILD)/reeve-resolver: $(addprefix $(BUILD)/,$(RESOLVER)) Makefile
	$(link) $(CARES_LIBS) $(SECCOMP_LIBS) $(WRAP_LIBS)
$(BUILD)/reevectl: $(addprefix $(BUILD)/,$(REEVECTL)) Makefile
	$(link) $(CONFIG_LIBS) $(JSON_LIBS) $(CURSES_LIBS)
$(BUILD)/handlers/%: $(BUILD)/services/handlers/%.o
	$(link)
$(BUILD)/handlers/%.sh: services/handlers/%.sh
	@mkdir -p $(@D)
	$(Q)$(INSTALL) -m 755 $< $@

# Files that name the places where things are installed, or list what the program knows.
EXPAND = sed -e 's,@VERSION@,$(VERSION),g' -e 's,@SBINDIR@,$(SBINDIR),g' \
	-e 's,@SYSCONFDIR@,$(SYSCONFDIR),g' -e 's,@LIBEXECDIR@,$(LIBEXECDIR),g' \
	-e 's,@DATADIR@,$(DATADIR),g' \
	$(if $(filter /etc,$(SYSCONFDIR)),,-e '/^ConfigurationDirectory=/d')
$(BUILD)/etc/%: etc/% $(BUILD)/flags
	@mkdir -p $(@D)
	$(Q)$(EXPAND) $< >$@
# reevectl knows its own words.
$(BUILD)/etc/completion/reevectl.bash $(BUILD)/etc/completion/_reevectl \
$(BUILD)/etc/completion/reevectl.fish: $(BUILD)/reevectl
	@mkdir -p $(@D)
	$(Q)$(BUILD)/reevectl completion \
		$(if $(filter .bash .fish,$(suffix $@)),$(patsubst .%,%,$(suffix $@)),zsh) >$@
$(BUILD)/man/%: man/% $(BUILD)/flags
	@mkdir -p $(@D)
	$(Q)$(EXPAND) $< >$@
$(BUILD)/man/%: man/%.in $(BUILD)/reeved $(BUILD)/reevectl
	@mkdir -p $(@D)
	$(call say,MAN,$<)
	$(Q)$(BUILD)/reeved --help-config=mdoc >$@.keys
	$(Q)$(BUILD)/reeved --help-events >$@.events
	$(Q)$(BUILD)/reevectl lint --rules | \
		sed -e 's/\. \([A-Za-z_]\)/.\n\1/g' -e 's/^    //;t' -e 's/^\([a-z-]*\) (\(.*\))/.It Cm \1 Pq \2/' >$@.lint
	$(Q)$(EXPAND) -e '/@KEYS@/{r $@.keys' -e 'd}' -e '/@EVENTS@/{r $@.events' -e 'd}' \
		-e '/@LINT@/{r $@.lint' -e 'd}' $< >$@.new
	$(Q)rm $@.keys $@.events $@.lint && mv $@.new $@

# --- tests. The comments "LINK: object... -llibrary..." and "WRAP: function..." at the top of a
# test say what it is made of besides itself; @GATE_ROOM is the list of that name above.
links_of = $(shell awk 'FNR > 20 { exit } /\/\* (LINK|WRAP):/ { on = 1 } \
	on { text = $$0; gsub(/\/\*|\*\/|^ *\* /, " ", text); print text } \
	on && /\*\// { on = 0 }' $1)
groups_of = $(foreach group,$(filter @%,$1),$($(group:@%=%))) $1
objects_of = $(addprefix $(BUILD)/,$(sort $(filter %.o,$(call groups_of,$(call links_of,$1)))))
wraps_of = $(addprefix -Wl$(comma)--wrap=,$(filter-out LINK: WRAP: @% %.o -%,$(call links_of,$1)))
libraries_of = $(filter -%,$(call links_of,$1))

.SECONDEXPANSION:
$(UNIT_TESTS): $(BUILD)/%: $(BUILD)/%.o $$(call objects_of,$$*.c)
	$(link) $(call wraps_of,$*.c) $(call libraries_of,$*.c) -lcmocka

# A fuzz target is driven by a corpus, or (make fuzz) by clang's libFuzzer.
FUZZ_DRIVER ?= $(BUILD)/tests/fuzz/replay.o
FUZZ_TARGETS := $(FUZZ_NAMES:%=$(BUILD)/tests/fuzz/fuzz_%)
$(FUZZ_TARGETS): $(BUILD)/%: $(BUILD)/%.o $(filter %.o,$(FUZZ_DRIVER)) $$(call objects_of,$$*.c)
	$(link) $(filter -%,$(FUZZ_DRIVER)) $(call wraps_of,$*.c) $(call libraries_of,$*.c)

# What is measured now and then links at any time.
unit-tests: $(UNIT_TESTS) $(HANDLERS) $(BENCH_ACCESS) $(BENCH_JUDGE)
fuzz-targets: $(FUZZ_TARGETS)

# The corpora are replayed with sanitizers on, whatever the rest is built with.
REPLAY_BUILD := $(if $(SANITIZE),$(BUILD),$(BUILD)/replay)
BUILD_REPLAYS = $(SUBMAKE) BUILD=$(REPLAY_BUILD) \
	SANITIZE=$(or $(SANITIZE),address$(comma)undefined) fuzz-targets

RUN = CMOCKA_MESSAGE_OUTPUT=TAP REEVED=$(abspath $(BUILD))/reeved \
	REEVE_BUILD=$(abspath $(BUILD)) tests/run $(if $(filter 1,$(V)),-v)
# The goldens of tests/config have a program among the unit tests that goes through them.
CONFIG_JOBS = $(BUILD)/tests/unit/test_config_goldens
UNIT_JOBS = $(filter-out $(CONFIG_JOBS),$(UNIT_TESTS))
FUZZ_JOBS = $(foreach name,$(FUZZ_NAMES),\
	'$(REPLAY_BUILD)/tests/fuzz/fuzz_$(name) tests/fuzz/corpus/$(name)')
E2E_JOBS = $(wildcard tests/e2e/run.py)

check: ## set up what is lacking, build, and run every test
	@tests/packages.sh build check && tests/packages.sh --try clients
	+@$(SUBMAKE) programs unit-tests
	+@$(BUILD_REPLAYS)
	@$(RUN) $(E2E_JOBS) $(CONFIG_JOBS) $(UNIT_JOBS) $(FUZZ_JOBS)
check-unit: unit-tests ## run the tests of single rooms
	@$(RUN) $(UNIT_JOBS)
check-config: $(CONFIG_JOBS) ## compare complaints and canonical prints with what they should be
	@$(RUN) $(CONFIG_JOBS)
check-fuzz: ## replay the fuzzers' inputs with sanitizers
	+@$(BUILD_REPLAYS)
	@$(RUN) $(FUZZ_JOBS)
check-e2e: programs ## start the real reeved and speak to it
	@$(RUN) $(E2E_JOBS)

check-install: ## install into a folder, look at what is there, and uninstall
	@$(RUN) 'install: tests/install/run $(BUILD)/install'
check-libwrap: ## build with tcp_wrappers' library, if it can be had, and test what it says
	@tests/packages.sh build check && tests/packages.sh --try libwrap
	+@if echo '#include <tcpd.h>' | $(CC) -E -o /dev/null - 2>/dev/null; then \
		$(SUBMAKE) BUILD=$(BUILD)/libwrap WITH_LIBWRAP=1 programs && \
		REEVED=$(abspath $(BUILD))/libwrap/reeved tests/run 'libwrap: tests/e2e/run.py -k libwrap'; \
	else echo "the library cannot be had"; fi

check-long: programs ## ten seconds of reloads, upgrades and kills under a thousand clients a second
	@LONG=1 $(RUN) -v 'long: tests/e2e/run.py -k nothing_lost'

check-real: programs ## serve real Debian packages to their real clients, in a root folder of their own
	@$(RUN) 'real: tests/real/run $(BUILD)'
check-systemd: ## run it as a service of a real systemd, in a box of its own
	@$(RUN) 'systemd: tests/systemd/run $(BUILD)/install'
check-deb: ## build the Debian package twice; install, upgrade and purge it in a box of its own
	@$(RUN) 'deb: tests/deb/run $(abspath $(BUILD))'

asan: ## run every test with the address and undefined behaviour sanitizers
	+@$(MAKE) --no-print-directory BUILD=$(BUILD)/asan SANITIZE=address,undefined check
ubsan: ## run every test with the undefined behaviour sanitizer alone
	+@$(MAKE) --no-print-directory BUILD=$(BUILD)/ubsan SANITIZE=undefined check
tsan: ## run the tests of the memory that processes share with the thread sanitizer
	+@$(MAKE) --no-print-directory BUILD=$(BUILD)/tsan SANITIZE=thread check-unit \
		UNIT_TESTS='$(BUILD)/tsan/tests/unit/test_shared $(BUILD)/tsan/tests/unit/test_refused'
VALGRIND := valgrind -q --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite
# It knows no clone(2) but those of threads and of vfork, so programs cannot be started in it.
VALGRIND_TESTS = $(filter-out %/test_spawn %/test_spawn_failures,$(UNIT_TESTS))
valgrind: unit-tests ## run the tests of single rooms and of the configuration in valgrind
	@tests/packages.sh check valgrind
	@$(RUN) $(VALGRIND_TESTS:%='$(VALGRIND) %')
coverage: ## report the lines that tests reach, and the functions that none does
	+@$(MAKE) --no-print-directory BUILD=$(BUILD)/coverage CFLAGS='-O0 -g --coverage' \
		LDFLAGS=--coverage check
	@tests/coverage.py $(BUILD)/coverage

# Seconds that `make fuzz` takes.
TIME ?= 60
# Readers of configurations are fed with the names of the keys and their words, too.
FUZZ_WORDS = $(if $(filter table conf,$(T)),$(BUILD)/fuzz/words)
fuzz: ## look for new inputs that break a reader: T=name of a target, TIME=seconds
	@tests/packages.sh build lint
	+@$(SUBMAKE) BUILD=$(BUILD)/fuzz CC=clang CFLAGS='-O1 -g' FUZZ_DRIVER=-fsanitize=fuzzer \
		SANITIZE=fuzzer-no-link,address,undefined $(BUILD)/fuzz/tests/fuzz/fuzz_$(T)
	@mkdir -p $(BUILD)/fuzz/corpus/$(T)
	+$(if $(FUZZ_WORDS),@$(SUBMAKE) programs && \
		$(BUILD)/reeved --help-config=dictionary >$(FUZZ_WORDS))
	$(BUILD)/fuzz/tests/fuzz/fuzz_$(T) -max_total_time=$(TIME) -artifact_prefix=$(BUILD)/fuzz/ \
		$(FUZZ_WORDS:%=-dict=%) \
		$(BUILD)/fuzz/corpus/$(T) tests/fuzz/corpus/$(T)
$(BENCH_ACCESS) $(BENCH_JUDGE): $(BUILD)/%: $(BUILD)/%.o $$(call objects_of,$$*.c)
	$(link)
bench-access: $(BENCH_ACCESS) ## measure what a million prefixes cost to load and to judge by
	@$(BENCH_ACCESS)
bench-admission: programs $(BENCH_JUDGE) ## measure what judging a client costs, and refusing one
	@$(BENCH_JUDGE)
	@tests/bench/admission $(BUILD)
bench: programs ## measure beside what the machine can do
	@tests/bench/run $(BUILD)

# --- lint: each check is a job of tests/run, so that all findings are seen at once.
LINT_MAKE = env MAKEFLAGS= $(MAKE) --no-print-directory -k $(MAKEOVERRIDES) JOBS=1
LINT_JOBS = 'tidy: $(LINT_MAKE) lint-tidy' 'analyzer: $(LINT_MAKE) lint-analyzer' \
	'clang: $(LINT_MAKE) lint-clang' 'cppcheck: tests/lint/cppcheck.sh $(BUILD)' \
	'doors: tests/lint/doors.sh $(BUILD) "$(REEVED)" "$(GATE)" "$(RESOLVER)"' tests/lint/floors.sh \
	'state: tests/lint/state.sh $(BUILD)' tests/lint/sizes.sh tests/lint/words.sh \
	'manuals: tests/lint/manuals.sh $(BUILD)' tests/lint/shell.sh tests/lint/spelling.sh \
	tests/lint/completion.sh tests/lint/format.sh
lint: ## check the code, the scripts and the manuals without running them
	@tests/packages.sh build check lint
	+@$(SUBMAKE) all
	@tests/run $(LINT_JOBS)
lint-tidy: $(SOURCES:%.c=$(BUILD)/lint/%.tidy)
$(BUILD)/lint/%.tidy: %.c $(HEADERS) .clang-tidy
	@mkdir -p $(@D)
	$(call say,TIDY,$<)
	$(Q)clang-tidy --quiet $< -- $(filter-out -O% -f% -D_FORTIFY% -Wnull-dereference,$(ALL_CFLAGS)) 2>$@.log || \
		{ cat $@.log; exit 1; }
	@touch $@
# Without malloc-leak: the analyzer of gcc 12 loses lists whose links are inside of their members.
lint-analyzer:
	@$(SUBMAKE) BUILD=$(BUILD)/analyzer CFLAGS='-O1 -g -fanalyzer -Wno-analyzer-malloc-leak' \
		WERROR=-Werror shipped-objects
lint-clang:
	@$(SUBMAKE) BUILD=$(BUILD)/clang CC=clang WERROR=-Werror shipped-objects test-objects
shipped-objects: $(SOURCES:%.c=$(BUILD)/%.o)
test-objects: $(TEST_SOURCES:%.c=$(BUILD)/%.o)
format: ## lay out the C files as .clang-format says
	clang-format -i $(SOURCES) $(TEST_SOURCES) $(filter %.h,$(HEADERS))
format-check: ## show what `make format` would change
	@tests/lint/format.sh

# --- installation.
include etc/install.mk
dist: ## pack the committed tree, the same bytes for the same commit
	@mkdir -p $(BUILD)
	git archive --format=tar --prefix=reeve-$(VERSION)/ HEAD | gzip -n9 >$(BUILD)/reeve-$(VERSION).tar.gz

run: ## serve etc/demo/services on loopback until Ctrl-C
	@tests/packages.sh build run
	+@$(SUBMAKE) programs
	@etc/demo/run $(BUILD)
clean: ## remove what was built
	rm -rf $(BUILD)
help: ## list these targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "%-14s %s\n", $$1, $$2 }' $(filter-out %.d,$(MAKEFILE_LIST))
	@echo "BUILD=$(BUILD) PREFIX=$(PREFIX) DESTDIR=$(DESTDIR); V=1 shows the commands."

.PHONY: all programs man unit-tests fuzz-targets check check-long check-unit check-config check-fuzz check-e2e \
	check-install check-real check-systemd check-deb asan ubsan tsan valgrind coverage fuzz bench bench-access \
	bench-admission \
	lint lint-tidy lint-analyzer lint-clang shipped-objects test-objects format \
	format-check dist run clean help FORCE
.SECONDARY:
.DELETE_ON_ERROR:

-include $(shell find $(BUILD)/src $(BUILD)/services $(BUILD)/tests -name '*.d' 2>/dev/null)
