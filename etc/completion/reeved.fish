# fish completion for reeved(8)

complete -c reeved -f
complete -c reeved -s c -l config -r -F -d 'settings'
complete -c reeved -s s -l services -r -F -d 'table of services'
complete -c reeved -s r -l run-dir -x -a '(__fish_complete_directories)' -d 'folder of the pid file'
complete -c reeved -l state-dir -x -a '(__fish_complete_directories)' -d 'folder of the bans'
complete -c reeved -s g -l gates -x -d 'processes that accept and run the built-ins'
complete -c reeved -s f -l foreground -d 'stay in the foreground'
complete -c reeved -l ready-fd -x -d 'descriptor to tell that it serves'
complete -c reeved -s l -l log -x -a 'stderr journal syslog json' -d 'where events go'
complete -c reeved -s v -l verbose -d 'log every event'
complete -c reeved -s a -l announce -d 'print each open port with a command to try it'
complete -c reeved -l check -d 'tell every mistake of the configuration and end'
complete -c reeved -l print-config -d 'print the configuration canonically and end'
complete -c reeved -l help-config -d 'list every key and end'
complete -c reeved -l help-events -d 'list every event of the log and end'
complete -c reeved -s V -l version -d 'print the version and end'
complete -c reeved -s h -l help -d 'list the options and end'
