#!/usr/bin/env bash
# Installs into /opt as root, in the build stage of the Containerfile, and sorts the result into the image's layers:
#   deploy/container/build.sh ENGINE...
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# The kernelspecs of "the user" go to the installation's own folder, which the image names to Jupyter.
export TLKIT_HOME=/opt/tlkit GOMODCACHE=/opt/tlkit-modules JUPYTER_DATA_DIR=/opt/tlkit/jupyter
for engine in "$@"; do
	./install.sh --no-quickstart --engine "$engine"
done
# JupyterHub starts jupyterhub-singleuser in the image.
/opt/tlkit/venv/bin/python -m pip install --quiet --no-input --require-hashes -r kernel/hub/requirements.txt

# Go needs the zip of a module only until it is unpacked.
find /opt/tlkit-modules/cache/download -name '*.zip' -delete
rm -rf /opt/tlkit-modules/cache/vcs

# place LAYER FILE... moves files and folders into a layer, at the same path.
place() {
	local layer=/layers/$1
	shift
	for path in "$@"; do
		mkdir -p "$layer${path%/*}"
		mv "$path" "$layer$path"
	done
}
go=$(echo /opt/tlkit-modules/golang.org/toolchain@*/bin/go)
ln -s "$go" "${go%/go}/gofmt" /usr/local/bin/
place modules /opt/tlkit-modules /usr/local/bin/go /usr/local/bin/gofmt
place python /opt/tlkit/venv
place engines /opt/tlkit/weights
for path in /opt/tlkit/lib /usr/local/lib/go-xla /usr/local/lib/libcublas*.so.13; do
	[[ ! -e $path && ! -L $path ]] || place engines "$path"
done
place tlkit /opt/tlkit

install -D -m 755 -t /layers/tlkit/usr/local/bin deploy/container/start-notebook deploy/container/with-lessons
lessons=/layers/tlkit/opt/tlkit-lessons
mkdir -p "$lessons/ja"
cp -R notebooks/*.ipynb notebooks/images "$lessons/"
cp notebooks/ja/*.ipynb "$lessons/ja/"
chmod -R u=rwX,go=rX "$lessons"
