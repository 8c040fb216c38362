# bash completion for reeved(8)

_reeved() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
	local options='--config --services --run-dir --state-dir --gates --foreground --ready-fd
		--log --verbose --explain --announce --check --check-upgrade --print-config --help-config --help-events --version --help'

	COMPREPLY=()
	# readline takes --log= for two words.
	if [[ $word == '=' ]]; then
		word=
	elif [[ $before == '=' ]]; then
		before=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	case $before in
	-c | -s | --config | --services)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		;;
	-r | --run-dir | --state-dir)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -d -- "$word")
		;;
	-l | --log)
		mapfile -t COMPREPLY < <(compgen -W 'stderr journal syslog json' -- "$word")
		;;
	-g | --gates | --ready-fd) ;;
	--help-config)
		mapfile -t COMPREPLY < <(compgen -W 'text mdoc dictionary' -- "$word")
		;;
	*)
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
		;;
	esac
}
complete -F _reeved reeved
