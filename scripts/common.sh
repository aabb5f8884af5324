# For scripts/test and scripts/bench, which source it: words for the terminal, and tools that may be missing.

if [[ -n "${CI:-}" || ! -t 1 || -n "${NO_COLOR:-}" ]]; then
  readonly BOLD='' RESET=''
  export CARGO_TERM_COLOR=never NO_COLOR=1
else
  readonly BOLD=$'\e[1m' RESET=$'\e[0m'
fi

section() { printf '\n%s== %s%s\n' "$BOLD" "$1" "$RESET"; }
fail() { printf '%s\n' "$1" >&2; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }

# As root on Debian and its kin only.
install() {
  [[ $EUID -eq 0 ]] && has apt-get || return 0
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@" >/dev/null || true
}

# A missing package is installed where that can be done; elsewhere it is named.
need() {
  local command=$1 package=$2
  has "$command" || install "$package"
  has "$command" || fail "$command is missing: install it (on Debian: apt-get install $package) and run this again."
}

# Tests and benchmarks start clusters of their own, with the programs that Debian keeps off the PATH: the one that its package would
# make and start is not wanted.
need_postgresql() {
  find_initdb && return
  if [[ $EUID -eq 0 ]] && has apt-get && [[ ! -e /etc/postgresql-common/createcluster.conf ]]; then
    mkdir -p /etc/postgresql-common
    printf 'create_main_cluster = false\n' >/etc/postgresql-common/createcluster.conf
  fi
  install -o Dpkg::Options::=--force-confold postgresql
  find_initdb || fail 'PostgreSQL is missing: install it (on Debian: apt-get install postgresql) and run this again.'
}

find_initdb() { has initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; }
