# SPDX-License-Identifier: ISC
# The part of the Makefile that puts things in place. What an administrator may have changed is
# neither overwritten nor removed.

UNITDIR ?= $(LIBDIR)/systemd/system
ZSHDIR ?= $(DATADIR)/zsh/site-functions
EXAMPLES := $(DATADIR)/doc/reeve/examples
CONFIG_FILES := reeve.conf services
# For other service managers.
EXAMPLE_SCRIPTS := openrc/reeved runit/reeved/run runit/reeved/check runit/reeved/finish \
	runit/reeved/log/run s6/reeved/run s6/reeved/finish s6/reeved/log/run

# mode:from:to, a row for each file but the settings.
INSTALLED = $(foreach command,$(COMMANDS),755:$(BUILD)/$(command):$(SBINDIR)/$(command)) \
	$(foreach helper,$(HELPERS),755:$(BUILD)/$(helper):$(LIBEXECDIR)/$(helper)) \
	$(foreach handler,$(HANDLERS),755:$(handler):$(LIBEXECDIR)/handlers/$(notdir $(handler))) \
	$(foreach page,$(PAGES),644:$(page):$(MANDIR)/man$(subst .,,$(suffix $(page)))/$(notdir $(page))) \
	644:$(BUILD)/etc/systemd/reeved.service:$(UNITDIR)/reeved.service \
	644:etc/systemd/reeved.socket:$(UNITDIR)/reeved.socket \
	644:etc/systemd/sysusers.conf:$(LIBDIR)/sysusers.d/reeve.conf \
	644:etc/systemd/tmpfiles.conf:$(LIBDIR)/tmpfiles.d/reeve.conf \
	$(foreach file,$(notdir $(wildcard etc/completion/*.bash)),\
		644:etc/completion/$(file):$(DATADIR)/bash-completion/completions/$(file:.bash=)) \
	$(foreach file,$(notdir $(wildcard etc/completion/_*)),\
		644:etc/completion/$(file):$(ZSHDIR)/$(file)) \
	$(foreach file,$(notdir $(wildcard etc/completion/*.fish)),\
		644:etc/completion/$(file):$(DATADIR)/fish/vendor_completions.d/$(file)) \
	644:$(BUILD)/etc/completion/reevectl.bash:$(DATADIR)/bash-completion/completions/reevectl \
	644:$(BUILD)/etc/completion/_reevectl:$(ZSHDIR)/_reevectl \
	644:$(BUILD)/etc/completion/reevectl.fish:$(DATADIR)/fish/vendor_completions.d/reevectl.fish \
	644:etc/qotd:$(DATADIR)/reeve/qotd \
	644:etc/grafana/reeve.json:$(DATADIR)/reeve/grafana.json \
	$(foreach file,$(wildcard etc/systemd/reeved.service.d/*.conf),\
		644:$(file):$(EXAMPLES)/$(notdir $(file))) \
	$(foreach file,$(EXAMPLE_SCRIPTS),755:$(BUILD)/etc/$(file):$(EXAMPLES)/$(file)) \
	644:etc/s6/reeved/notification-fd:$(EXAMPLES)/s6/reeved/notification-fd \
	$(foreach text,$(wildcard README.md LICENSE),644:$(text):$(DATADIR)/doc/reeve/$(text))

# Folders that may have been made for these files, the deepest first; `uninstall` removes those
# that are empty.
FOLDERS = $(LIBEXECDIR)/handlers $(LIBEXECDIR) $(DATADIR)/reeve $(EXAMPLES)/openrc \
	$(foreach manager,runit s6,$(addprefix $(EXAMPLES)/$(manager),/reeved/log /reeved /)) \
	$(EXAMPLES) $(DATADIR)/doc/reeve $(SYSCONFDIR)/reeve/services.d $(SYSCONFDIR)/reeve \
	$(UNITDIR) $(LIBDIR)/systemd $(LIBDIR)/sysusers.d $(LIBDIR)/tmpfiles.d $(DATADIR)/bash-completion/completions \
	$(DATADIR)/bash-completion $(ZSHDIR) $(DATADIR)/zsh \
	$(DATADIR)/fish/vendor_completions.d $(DATADIR)/fish

install: all $(CONFIG_FILES:%=$(BUILD)/etc/%) $(filter $(BUILD)/etc/%,$(subst :, ,$(INSTALLED))) ## install below DESTDIR and PREFIX
	$(Q)umask 022; for row in $(INSTALLED); do \
		mode=$${row%%:*} from=$${row#*:} to=$${row##*:}; \
		$(INSTALL) -D -m $$mode $${from%:*} $(DESTDIR)$$to || exit; done
	$(Q)umask 022; $(INSTALL) -d $(DESTDIR)$(SYSCONFDIR)/reeve/services.d
	$(Q)for file in $(CONFIG_FILES); do \
		test -e $(DESTDIR)$(SYSCONFDIR)/reeve/$$file || \
		$(INSTALL) -m 644 $(BUILD)/etc/$$file $(DESTDIR)$(SYSCONFDIR)/reeve/$$file || exit; done
uninstall: $(CONFIG_FILES:%=$(BUILD)/etc/%) ## remove what install put there, but no changed settings
	$(Q)rm -f $(foreach row,$(INSTALLED),$(DESTDIR)$(lastword $(subst :, ,$(row))))
	$(Q)for file in $(CONFIG_FILES); do \
		! cmp -s $(BUILD)/etc/$$file $(DESTDIR)$(SYSCONFDIR)/reeve/$$file || \
		rm $(DESTDIR)$(SYSCONFDIR)/reeve/$$file; done
	$(Q)for folder in $(FOLDERS); do \
		test ! -d $(DESTDIR)$$folder || \
		rmdir --ignore-fail-on-non-empty $(DESTDIR)$$folder || exit; done

# --- the Debian package: the tree as it is here, built where nothing else is.
DEB := $(BUILD)/deb
DEB_TREE := $(DEB)/reeve-$(VERSION)
# Nothing of this make: what was given on its command line would be in the environment.
CLEAN_ENV = env -i PATH="$$PATH" HOME="$$HOME" LC_ALL=C.UTF-8
LINTIAN := lintian --allow-root --fail-on error,warning
deb: ## build the Debian package in $(BUILD)/deb, and have lintian judge it
	@tests/packages.sh build package
	@rm -rf $(DEB) && mkdir -p $(DEB_TREE)
	@tar -c --exclude=./.git --exclude='./build*' --exclude=./$(BUILD) . | tar -x -C $(DEB_TREE)
	@cp -R etc/debian $(DEB_TREE)/debian
	@cd $(DEB_TREE) && test "$$(dpkg-parsechangelog --show-field Version)" = $(VERSION) || \
		{ echo "etc/debian/changelog is of another version"; exit 1; }
	@cd $(DEB_TREE) && $(CLEAN_ENV) dpkg-buildpackage -b -uc -us -j$(JOBS) >../log 2>&1 || \
		{ tail -n 40 ../log; exit 1; }
	@$(LINTIAN) $(DEB)/*.changes
	@ls $(DEB)/*.deb

.PHONY: install uninstall deb
