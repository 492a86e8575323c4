"""``--ask-key`` in a real kernel: the frontend is told to hide what is typed."""

import os
from pathlib import Path

import pytest

import tracer_nb
from tracer_nb.standin import serve

jupyter_client = pytest.importorskip("jupyter_client")
pytest.importorskip("ipykernel")

KEY = "hunter2-hunter2-typed"
PATIENCE = 60  # seconds; a limit on hanging, nothing is measured by it


@pytest.fixture
def kernel(tmp_path, monkeypatch):
    """A client of a kernel that runs in ``tmp_path``."""
    for folder in ("CONFIG", "DATA", "RUNTIME"):
        monkeypatch.setenv(f"JUPYTER_{folder}_DIR", str(tmp_path / "jupyter" / folder.lower()))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    root = str(Path(tracer_nb.__file__).parents[1])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    manager = jupyter_client.KernelManager(kernel_name="python3")
    manager.start_kernel(cwd=str(tmp_path), env={**os.environ, "PYTHONPATH": path})
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=PATIENCE)
        yield client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()


def test_the_prompt_is_a_hidden_one_and_a_frontend_without_one_is_told(kernel, world):
    prompts, outputs = [], []

    def run(code, *, typed=None):
        def answer(message):
            prompts.append(message["content"])
            kernel.input(typed)

        outputs.clear()
        reply = kernel.execute_interactive(
            code,
            timeout=PATIENCE,
            allow_stdin=typed is not None,
            stdin_hook=answer,
            output_hook=outputs.append,
        )
        return reply["content"]["status"]

    with serve(world.truth, api_key=KEY) as standin:
        line = (
            f"%tracer label texts --labels login,parcel,refund --sample 150 --teacher openai:m --labelling random "
            f"--base-url {standin.base_url} --price 0,0 --ask-key"
        )
        assert run(f"%load_ext tracer_nb\ntexts = {world.texts!r}") == "ok"
        assert run(line) == "error"
        assert "--ask-key needs a frontend with a hidden prompt" in f"{outputs}"
        assert prompts == []
        assert run(line, typed=KEY) == "ok", outputs
        assert "150 rows labelled" in f"{outputs}"
        assert [prompt["password"] for prompt in prompts] == [True]
        assert standin.base_url in prompts[0]["prompt"]
        assert KEY not in f"{outputs}"
