# Sourced by the other scripts: makes the virtual environment .venv of this checkout, once.
# usage: environment EXTRAS   (such as "" or "[test]")
root=$(cd "$(dirname "$0")/.." && pwd)
venv="$root/.venv"
# Hundreds of processes, of which each would compile the package anew, take twice as long.
unset PYTHONDONTWRITEBYTECODE

environment() {
    stamp="$venv/installed-$(printf %s "$1" | tr -cd 'a-z')"
    if [ -f "$stamp" ] && [ "$stamp" -nt "$root/pyproject.toml" ] && [ "$stamp" -nt "$root/constraints.txt" ]; then
        return
    fi
    python=${PYTHON:-python3}
    if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        echo "Broadsheet needs Python 3.11 or later; set PYTHON to one, as in: PYTHON=python3.12 $0" >&2
        exit 2
    fi
    echo "Setting up $venv (once) ..." >&2
    [ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
        --constraint "$root/constraints.txt" --editable "$root$1"
    touch "$stamp"
}
