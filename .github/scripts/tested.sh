#!/usr/bin/env bash
# Puts the command line that this run has tested on the PATH.
set -euo pipefail
folder=$RUNNER_TEMP/tested
mkdir -p "$folder"
gh run download "$GITHUB_RUN_ID" --repo "$GITHUB_REPOSITORY" --name blackroad --dir "$folder"
chmod +x "$folder/blackroad"
"$folder/blackroad" --version
echo "$folder" >>"$GITHUB_PATH"
