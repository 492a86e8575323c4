#!/usr/bin/env bash
# wordllama 0.4.0.post1: importing it configures the root logger of the whole program.
#
# A library is expected to leave logging to the program. This one calls logging.basicConfig at
# import, at level INFO. In a notebook that has three effects, none of which names wordllama: log
# records of every other library (HTTP clients write one a request) appear in the cell from then
# on; a later logging.basicConfig of the user's own does nothing; and a logger that had been quiet
# by the default level WARNING is not any more.
#
# Seen with Python 3.11.7, 2026-11-29:
#   before: 0 handlers, WARNING
#   after: 1 handlers, INFO
#   INFO:somebody.else:GET 200
#   the user's own basicConfig: ignored
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q wordllama==0.4.0.post1
found="$("$folder/venv/bin/python" - 2>&1 <<'EOF'
import logging

root = logging.getLogger()


def show(when):
    print(f"{when}: {len(root.handlers)} handlers, {logging.getLevelName(root.level)}", flush=True)


show("before")
import wordllama

show("after")
logging.getLogger("somebody.else").info("GET 200")
logging.basicConfig(level=logging.ERROR)
ignored = root.level != logging.ERROR
print("the user's own basicConfig:", "ignored" if ignored else "heeded", flush=True)
EOF
)"
echo "$found"
diff <(echo "$found") - <<'EOF'
before: 0 handlers, WARNING
after: 1 handlers, INFO
INFO:somebody.else:GET 200
the user's own basicConfig: ignored
EOF
