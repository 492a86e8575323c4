#!/usr/bin/env bash
# openai 3.57.0 (Python SDK): a server that asks to wait 121 seconds is not asked again at all.
#
# With max_retries=2 a 429 is sent again twice. Up to 120 the seconds of Retry-After are slept in
# full inside the call, so a cell looks hung for up to four minutes. Above 120 one would expect the
# longest allowed wait, or the SDK's own backoff (half a second) as when there is no such header.
# Instead the first 429 is raised at once: the politest server loses the whole call.
#
# Seen with Python 3.11.7, 2026-11-29:
#   no Retry-After: 3 requests
#   Retry-After 2: 3 requests, 4 s at least
#   Retry-After 121: 1 request
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "openai==3.57.0"
found="$("$folder/venv/bin/python" - <<'EOF'
import http.server
import threading
import time

import openai

seen = {"n": 0, "after": None}


class Busy(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        seen["n"] += 1
        self.send_response(429)
        if seen["after"] is not None:
            self.send_header("retry-after", str(seen["after"]))
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Busy)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = openai.OpenAI(
    api_key="none", base_url=f"http://127.0.0.1:{server.server_port}/v1", max_retries=2
)
for after in (None, 2, 121):
    seen.update(n=0, after=after)
    begun = time.monotonic()
    try:
        client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hello"}])
    except openai.RateLimitError:
        pass
    seconds = time.monotonic() - begun
    name = "no Retry-After" if after is None else f"Retry-After {after}"
    long = f", {2 * after} s at least" if after == 2 and seconds >= 2 * after else ""
    print(f"{name}: {seen['n']} request{'s' * (seen['n'] != 1)}{long}")
EOF
)"
echo "$found"
diff <(echo "$found") - <<'EOF'
no Retry-After: 3 requests
Retry-After 2: 3 requests, 4 s at least
Retry-After 121: 1 request
EOF
