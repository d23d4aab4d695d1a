# shellcheck shell=bash
# Sourced by the scripts beside it: `say`, `fail`, and `tool`, which sets TOOL to the first of the
# named programs that is here and works. IMAGE_TOOL names one, and only that is tried.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
project=$(cd "$here/../.." && pwd)
export CONTAINERS_CONF=${CONTAINERS_CONF:-$here/containers.conf}

say() { printf 'image: %s\n' "$*" >&2; }
fail() {
    say "$1"
    say "remedy: $2"
    exit 1
}

tool() {
    local candidate trouble tried=
    for candidate in ${IMAGE_TOOL:-"$@"}; do
        # A client without its engine is installed on many machines, and works on none of them.
        if trouble=$("$candidate" info 2>&1 >/dev/null); then
            # shellcheck disable=SC2034 # for whoever sourced this
            TOOL=$candidate
            return
        fi
        tried+="; $candidate: ${trouble##*$'\n'}"
    done
    fail "none of ${IMAGE_TOOL:-$*} works${tried}" \
        "install podman, buildah and runc, or start a Docker engine"
}

# The base image's name, as the Dockerfile has it unless IMAGE_BASE says otherwise.
base() { printf '%s\n' "${IMAGE_BASE:-$(sed -n 's/^ARG BASE=//p' "$project/Dockerfile")}"; }
