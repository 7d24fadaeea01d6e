
# What a project has is asked of the program; all else comes from the function above.

# Offers the names of a kind that begin with $2. Before each stands $3, which is written already; what bash takes for
# words of their own before a `:` is written as well.
_orchestrate_offer() {
    local begun="$2" kept="$3" names name broken=
    [[ "$COMP_WORDBREAKS" == *:* && "$begun" == *:* ]] && broken="${begun%:*}:"
    mapfile -t names < <("${COMP_WORDS[0]}" "${project[@]}" list --names "$1" 2> /dev/null)
    COMPREPLY=()
    for name in "${names[@]}"; do
        [[ "$name" == "$begun"* ]] && COMPREPLY+=("$kept${name#"$broken"}")
    done
    [ "${#COMPREPLY[@]}" -gt 0 ]
}

_orchestrate_with_names() {
    # whole words up to the cursor, whatever characters bash breaks them at
    local words word current option= verb= project=()
    read -ra words <<< "${COMP_LINE:0:COMP_POINT}"
    [[ "${COMP_LINE:0:COMP_POINT}" == *[[:space:]] ]] && words+=("")
    current="${words[-1]}"
    unset 'words[-1]'
    for word in "${words[@]:1}"; do
        if [ -n "$option" ]; then
            [ "$option" = --project ] && project=(--project "$word")
            option=
            continue
        fi
        case "$word" in
            --project=*) project=("$word") ;;
            --*=*) ;;
            -p|-o|-j|--platform|--output|--jobs|--project|--environment|--store|--color|--only) option=$word ;;
            -*) ;;
            *) verb=${verb:-$word} ;;
        esac
    done
    local listed=
    [[ "$current" == *,* ]] && listed="${current%,*},"
    case "$verb:$option:$current" in
        *:--platform:*|*:-p:*) _orchestrate_offer platforms "${current##*,}" "$listed" && return 0 ;;
        *::--platform=*)
            current="${current#--platform=}"
            listed="${listed#--platform=}"
            [[ "$COMP_WORDBREAKS" == *=* ]] || listed="--platform=$listed"
            _orchestrate_offer platforms "${current##*,}" "$listed" && return 0
            ;;
        *::-*) ;;
        audit::*|build::*|fetch::*|plan::*) _orchestrate_offer images "$current" "" && return 0 ;;
        show::*|refresh::*) _orchestrate_offer recipes "$current" "" && return 0 ;;
    esac
    _orchestrate "$@"
}
complete -F _orchestrate_with_names -o bashdefault -o default orchestrate
