#!/usr/bin/env bash
# Sets up everything for the notebooks, without root: the Go kernels for Jupyter ("Go (TLKit)", whose cells keep their
# values, and "Go (GoNB)"), JupyterLab, and a run of notebooks/00_quickstart.ipynb as a proof that all of it works. Safe to
# repeat; the second time is quick. Writes into one folder (~/.local/share/tlkit, or TLKIT_HOME, or --prefix), the
# user's kernelspec folder, out/ here, and the caches of Go and pip.
set -euo pipefail

usage() {
	cat <<'EOF'
./install.sh [--prefix DIR] [--engine NAME] [--no-weights] [--no-quickstart]   set up, then run the quickstart
./install.sh --uninstall [--prefix DIR]                                        remove what was set up
./install.sh -h                                                                this text

  --prefix DIR      install into DIR instead of $TLKIT_HOME or ~/.local/share/tlkit
  --engine NAME     which engine to install beside the pure-Go one: auto (what the machine can have; the
                    default), go (none), onnx (ONNX Runtime, from the Python package index), openvino (OpenVINO for
                    inference on x86-64, 59 MB from there), onednn (oneDNN for training steps on x86-64 without
                    AVX-512, 39 MB from there), xla (PJRT for the CPU, from GitHub or the Python package index),
                    cuda (PJRT for NVIDIA GPUs on x86-64, 2.5 GB from there); one that is named and can't be had is
                    an error
  --no-weights      leave out the weights of efficientnet_lite0, a network trained on photographs (17 MB)
  --no-quickstart   do not execute notebooks/00_quickstart.ipynb at the end
EOF
}

die() {
	printf 'install.sh: %s\n' "$*" >&2
	exit 1
}

# check FLAG VALUE ends the script if the value is empty, as that of a variable that is not set, or another flag.
check() {
	[[ -n $2 ]] || die "$1 is empty; give it a value, or leave it out for the default"
	[[ $2 != -* ]] || die "$1 needs a value, and $2 looks like a flag; for a folder of that name write ./$2"
}

prefix=${TLKIT_HOME:-}
quickstart=yes
weights=--weights
uninstall=no
engine=auto
while (($#)); do
	case $1 in
	--prefix)
		(($# > 1)) || die "--prefix needs a folder"
		check "$1" "$2"
		prefix=$2
		shift
		;;
	--prefix=*)
		prefix=${1#*=}
		check --prefix "$prefix"
		;;
	--engine)
		(($# > 1)) || die "--engine needs a name; ./install.sh -h lists them"
		check "$1" "$2"
		engine=$2
		shift
		;;
	--engine=*)
		engine=${1#*=}
		check --engine "$engine"
		;;
	--no-quickstart) quickstart=no ;;
	--no-weights) weights= ;;
	--uninstall) uninstall=yes ;;
	-h | --help)
		usage
		exit 0
		;;
	*)
		usage >&2
		die "unknown argument: $1"
		;;
	esac
	shift
done
if [[ -z $prefix ]]; then
	[[ -n ${HOME:-} ]] || die "HOME is not set; set it, or give a folder with --prefix"
	prefix=$HOME/.local/share/tlkit
fi
# No shell expands "~" in --prefix=~/x or TLKIT_HOME="~/x".
[[ $prefix == "~" || $prefix == "~/"* ]] && prefix=${HOME:?}${prefix:1}
[[ $prefix == /* ]] || prefix=$PWD/$prefix
export TLKIT_HOME=$prefix

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
began=$SECONDS

if [[ $uninstall == yes ]]; then
	[[ -x $prefix/bin/tlkernel ]] || die "nothing is installed in $prefix (no bin/tlkernel)"
	exec "$prefix/bin/tlkernel" uninstall --prefix "$prefix"
fi

# Variables that people export for other work would make Go build something else; Go's own settings file may hold more.
unset GOROOT GOTOOLDIR GOAMD64 GOARM64 GOTMPDIR CGO_ENABLED PYTHONHOME PYTHONPATH
export GOFLAGS=-buildvcs=false GO111MODULE=on GOWORK=off
if command -v go >/dev/null; then
	GOOS=$(cd / && GOTOOLCHAIN=local go env GOHOSTOS 2>/dev/null || true)
	GOARCH=$(cd / && GOTOOLCHAIN=local go env GOHOSTARCH 2>/dev/null || true)
	export GOOS GOARCH
fi
# Files that root installs must be readable by others.
[[ $(id -u) != 0 ]] || umask 022

# usable DIR succeeds if a program can be written to the folder and started there; a folder may be read-only, or mounted
# noexec.
usable() {
	local try
	try=$(TMPDIR=$1 mktemp "$1/tlkit-try-XXXXXX" 2>/dev/null) || return 1
	printf '#!/bin/sh\nexit 0\n' >"$try" && chmod 700 "$try" && "$try" 2>/dev/null
	local result=$?
	rm -f "$try"
	return $result
}
tmp=
for dir in "${TMPDIR:-/tmp}" /tmp /var/tmp; do
	if usable "$dir"; then
		tmp=$dir
		break
	fi
done
[[ -n $tmp ]] || die "no program can be written to ${TMPDIR:-/tmp} and started there; set TMPDIR to a folder where that works"
[[ $tmp == "${TMPDIR:-/tmp}" ]] || echo "Temporary files go to $tmp: ${TMPDIR:-/tmp} is missing, read-only or mounted noexec"
export TMPDIR=$tmp

# Name everything that is missing at once, and how to install it.
missing=()
need() { missing+=("  - $1"); }
if ! command -v go >/dev/null; then
	need "go 1.21 or newer: https://go.dev/dl, or: sudo apt install golang"
else
	version=$(cd / && GOTOOLCHAIN=local go env GOVERSION 2>/dev/null || true)
	if [[ ! $version =~ ^go([0-9]+)\.([0-9]+) ]] || ((BASH_REMATCH[1] == 1 && BASH_REMATCH[2] < 21)); then
		need "go 1.21 or newer (found ${version:-one that does not answer}): https://go.dev/dl, or: sudo apt install -t bookworm-backports golang"
	fi
fi
cc=${CC:-gcc}
if ! command -v "${cc%% *}" >/dev/null || ! echo '#include <stdlib.h>' | $cc -x c -fsyntax-only - 2>/dev/null; then
	need "gcc with the C library's headers: sudo apt install gcc libc6-dev"
fi
if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
	need "python3, 3.10 or newer: sudo apt install python3 python3-venv"
elif ! python3 -c 'import venv, ensurepip' 2>/dev/null; then
	need "Python's venv module: sudo apt install python3-venv"
fi
if ((${#missing[@]})); then
	printf 'install.sh: please install first:\n' >&2
	printf '%s\n' "${missing[@]}" >&2
	exit 1
fi

# Debian's go has GOTOOLCHAIN=local in its settings, which would refuse to fetch the version that go.mod requires.
export GOTOOLCHAIN=auto
cd "$here"

echo "Building the installer (the first time, this fetches Go and its modules)"
installer=$(mktemp -d)
trap 'rm -rf "$installer"' EXIT
go build -buildvcs=false -o "$installer/tlkernel" ./kernel/cmd/tlkernel
"$installer/tlkernel" install --prefix "$prefix" --source "$here" --engine "$engine" $weights

results=()
if [[ $quickstart == yes ]]; then
	if [[ -f notebooks/00_quickstart.ipynb ]]; then
		# A run in its own folder, trained anew: a stored one would be opened, not trained.
		rm -rf out/quickstart_runs
		TLKIT_RUNS=$here/out/quickstart_runs "$prefix/bin/tlkernel" exec notebooks/00_quickstart.ipynb -o out/quickstart.ipynb --timeout 15m
		results=("$here/out/quickstart.ipynb" "$here/out/quickstart.html")
	else
		echo "notebooks/00_quickstart.ipynb is not here; skipped"
	fi
fi

cat <<EOF

Done in $((SECONDS - began)) s.
  installed     $prefix
EOF
((${#results[@]} == 0)) || printf '  made          %s\n' "${results[@]}"
# The commands name the folder, as the next shell may have another TLKIT_HOME.
printf '  JupyterLab    %q lab --prefix %q notebooks\n' "$prefix/bin/tlkernel" "$prefix"
printf '  a check       %q doctor --prefix %q\n' "$prefix/bin/tlkernel" "$prefix"
printf '  remove all    %q --uninstall --prefix %q\n' "$here/install.sh" "$prefix"
