_orchestrate_images() { compadd -- ${(f)"$(orchestrate list --names images 2> /dev/null)"} }
_orchestrate_recipes() { compadd -- ${(f)"$(orchestrate list --names recipes 2> /dev/null)"} }
_orchestrate_platforms() {
    compset -P '*,' # those before a comma are there already
    compadd -- ${(f)"$(orchestrate list --names platforms 2> /dev/null)"}
}
