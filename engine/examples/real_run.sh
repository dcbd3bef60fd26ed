#!/usr/bin/env bash
# A real run: PostgreSQL writes a log, and the engine keeps every version of its pages.
#
#   engine/examples/real_run.sh [DIR]
#
# It starts a server of its own, which listens on a socket in DIR alone, lets pgbench work on it, and
# stops it. What pg_waldump prints of its log goes into a timeline, which is compacted, collected and
# verified; DIR/map.svg shows its layers. DIR is created if it is not there, and kept; what an earlier run
# left in it is replaced. Without it, a temporary directory.
#
# It needs PostgreSQL's server, pgbench and pg_waldump (Debian: postgresql, postgresql-contrib), which
# it looks for in PGBIN, in pg_config's directory, and in those of the distributions. PGBENCH_SCALE and
# PGBENCH_SECONDS say how much work there is. PostgreSQL refuses to run as root: for root, the server
# runs as the user postgres.
set -euo pipefail
cd "$(dirname "$0")/../.."

scale=${PGBENCH_SCALE:-2}
seconds=${PGBENCH_SECONDS:-10}
dir=${1:-$(mktemp -d)}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)

# The directory of PostgreSQL's programs.
find_bin() {
    local candidate
    for candidate in "${PGBIN:-}" "$(pg_config --bindir 2>/dev/null || true)" \
        /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /usr/local/pgsql/bin; do
        if [ -n "$candidate" ] && [ -x "$candidate/pg_waldump" ] && [ -x "$candidate/initdb" ]; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    echo "PostgreSQL was not found: install postgresql and postgresql-contrib, or set PGBIN" >&2
    return 1
}
bin=$(find_bin)

# Runs a program of PostgreSQL as a user that may run it.
postgres() {
    local program=$1
    shift
    if [ "$(id -u)" -eq 0 ]; then
        (cd / && runuser -u postgres -- "$bin/$program" "$@")
    else
        "$bin/$program" "$@"
    fi
}

# Runs a statement and prints its one value.
ask() { postgres psql -h "$server" -d postgres -AtX -c "$1"; }

# Runs a command of the tool, and shows it.
tool() {
    printf '\n$ palimpsest %s\n' "$*"
    cargo palimpsest "$@"
}

server=$dir/server
rm -rf "$server" "$dir/pages" "$dir/waldump.txt"
mkdir "$server"
[ "$(id -u)" -ne 0 ] || { chown postgres "$server" && chmod o+x "$dir"; }

cargo build --release --quiet -p palimpsest-tool

postgres initdb -D "$server/data" -U postgres -A trust --no-sync >/dev/null
# The whole log of the run has to be there when it ends.
options="-c listen_addresses='' -c unix_socket_directories='$server' -c fsync=off -c wal_keep_size=8GB"
postgres pg_ctl -D "$server/data" -l "$server/log" -o "$options" -w start >/dev/null
stop() { postgres pg_ctl -D "$server/data" -m fast -w stop >/dev/null 2>&1 || true; }
trap stop EXIT
export PGUSER=postgres

start=$(ask 'select pg_current_wal_insert_lsn()')
printf '$ pgbench -i -s %s; pgbench -c 4 -T %s\n' "$scale" "$seconds"
postgres pgbench -h "$server" -i -q -s "$scale" postgres 2>/dev/null
postgres pgbench -h "$server" -c 4 -T "$seconds" postgres 2>/dev/null | grep -E '^(tps|number of transactions)'
stop
trap - EXIT

# It ends with an error where the log ends, which is no error here.
postgres pg_waldump -p "$server/data/pg_wal" -s "$start" >"$dir/waldump.txt" 2>"$dir/waldump.err" || true
printf '$ pg_waldump: %s records\n' "$(wc -l <"$dir/waldump.txt")"

tool ingest --waldump "$dir/waldump.txt" --zero-base --freeze-len 8M "$dir/pages"
tool compact --images --layer-len 4M "$dir/pages"
tool gc --keep 1M "$dir/pages"
tool gc-compact --layer-len 4M "$dir/pages"
tool verify "$dir/pages"
tool draw "$dir/pages" -o "$dir/map.svg"
printf '\nkept in %s\n' "$dir"
