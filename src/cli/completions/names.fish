complete -c orchestrate -n "__fish_orchestrate_using_subcommand audit build fetch plan" -f -a "(orchestrate list --names images 2> /dev/null)"
complete -c orchestrate -n "__fish_orchestrate_using_subcommand show refresh" -f -a "(orchestrate list --names recipes 2> /dev/null)"
complete -c orchestrate -n "__fish_orchestrate_using_subcommand audit build fetch find plan show" -s p -l platform -x -a "(__fish_complete_list , 'orchestrate list --names platforms 2> /dev/null')"
