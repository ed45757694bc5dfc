"""What the schema does not ask of a workflow: actions are pinned, jobs say what they may and how long they take, scripts are not in YAML, and
nothing that somebody else wrote is pasted into a command."""

import os
import re
import sys

from ruamel.yaml import YAML

# A commit's full name with the version behind it, or an exact version; a workflow of this repository needs neither.
PINNED = re.compile(r"^[\w.-]+/[\w./-]+@([0-9a-f]{40}|v\d+\.\d+\.\d+)$")
# More than this belongs into a script, which can be run and tested.
LINES = 6
# What an attacker may write: titles, branches, inputs.
TAINTED = re.compile(r"\$\{\{(?!\s*(runner|job)\.)")


def faults(path):
    text = open(path).read()
    document = YAML(typ="safe").load(text)
    if document.get("permissions") != {}:
        yield "permissions: {} is not at its top, so a job has what it does not ask for"
    for name, job in document["jobs"].items():
        if "permissions" not in job:
            yield f"{name} does not say its permissions"
        if "uses" in job:
            continue
        if not isinstance(job.get("timeout-minutes"), int):
            yield f"{name} does not say how long it may take"
        if job.get("runs-on", "").endswith("latest"):
            yield f"{name} runs on a system that changes under it"
        for step in job["steps"]:
            called = step.get("name") or step.get("uses")
            if "uses" in step and not PINNED.match(step["uses"]):
                yield f"{name}: {step['uses']} is not pinned to a commit or an exact version"
            if re.search(r"@[0-9a-f]{40}$", step.get("uses", "")) and f"{step['uses']} # v" not in text:
                yield f"{name}: {step['uses']} does not say its version behind it"
            run = step.get("run", "")
            if len(run.splitlines()) > LINES:
                yield f"{name}, {called}: {len(run.splitlines())} lines of shell; put them into .github/scripts"
            if TAINTED.search(run):
                yield f"{name}, {called}: an expression is pasted into the shell; pass it by env"
            for script in re.findall(r"\.(?:github/scripts|ci)/[\w.]+", run):
                if not os.access(script, os.X_OK):
                    yield f"{name}, {called}: {script} is not there, or cannot be run"


found = [f"{path}: {fault}" for path in sys.argv[1:] for fault in faults(path)]
print("\n".join(found), file=sys.stderr)
sys.exit(1 if found else 0)
