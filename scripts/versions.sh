#!/usr/bin/env bash
# Every test, in a fresh clone with an environment of its own: what `make versions` runs.
#
#   scripts/versions.sh lowest [PYTHON]    the lowest versions that requirements.txt allows
#   scripts/versions.sh newest [PYTHON]    what pip finds today; the newest Python on the PATH
#
# PYTHON is a command, by default python3.11 for the lowest. It takes what is committed, 8 GB of
# TMPDIR, and as long as `make test`.
set -euo pipefail
cd "$(dirname "$0")/.."

newest_python() {
    for minor in {30..11}; do  # a name on the PATH may be a stand-in that starts nothing
        if "python3.$minor" -c "" 2>/dev/null; then
            echo "python3.$minor"
            return
        fi
    done
    echo "no Python from 3.11 on is on the PATH: name one." >&2
    exit 2
}

case ${1-} in
lowest) python=${2:-python3.11} ;;
newest) python=${2:-$(newest_python)} ;;
*)
    sed -n 2,8p "$0" >&2
    exit 2
    ;;
esac

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
git clone --quiet . "$folder/clone"
cd "$folder/clone"
: >constraints.txt
if [ "$1" = lowest ]; then
    sed -n 's/>=/==/p' requirements.txt >constraints.txt
fi
"$python" --version
make PYTHON="$python" .venv/dev
.venv/bin/python -m pip freeze
make PYTHON="$python" test
