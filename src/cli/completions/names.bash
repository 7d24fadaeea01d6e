
# What a project has is asked of the program; all else comes from the function above.
_orchestrate_with_names() {
    local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}" verb word kind=
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        case "$word" in
            build|fetch|plan|show|refresh) verb=$word; break ;;
        esac
    done
    case "$previous" in
        --platform|-p) kind=platforms ;;
        -*) ;;
        *)
            case "$verb:$current" in
                :*|*:-*) ;;
                build:*|fetch:*|plan:*) kind=images ;;
                show:*|refresh:*) kind=recipes ;;
            esac
            ;;
    esac
    if [ -n "$kind" ]; then
        mapfile -t COMPREPLY < <(compgen -W "$("${COMP_WORDS[0]}" list --names "$kind" 2> /dev/null)" -- "$current")
        [ "${#COMPREPLY[@]}" -gt 0 ] && return 0
    fi
    _orchestrate "$@"
}
complete -F _orchestrate_with_names -o bashdefault -o default orchestrate
