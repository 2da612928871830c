"""Tries the openai engine on two servers that others have written: ``python benchmarks/real_servers.py``.

llama-cpp-python serves a tiny model of random weights: its answers are noise, so what is seen is which
dialect was found out, in how many requests, that the next run speaks it at once, and that every paper ends
annotated or as a failure with a reason. LiteLLM's proxy stands before the loopback server of the tests, once
as it is and once without all that can be refused, and before llama-cpp-python. A relay counts what passes.

Both are installed into environments below ``benchmarks/.servers`` the first time; llama-cpp-python is then
compiled, which takes minutes. ``--llama-python`` and ``--litellm-python`` name interpreters that have them.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

from serve import from_own_words

from broadsheet.llm.negotiation import Dialect
from broadsheet.store import Store
from servers.openai_server import Behaviour, OpenAIServer
from servers.real import Passed, Relay, free_port, llama_cpp_server, running

LLAMA = ("llama-cpp-python[server]==0.3.36", "gguf==0.19.0", "numpy")
LITELLM = ("litellm[proxy]==1.106.2",)
CONTEXT = 9_216
NOISE_PAPERS, PAPERS = 2, 12
NARROW = Behaviour(
    formats=frozenset({"text"}),
    refused=frozenset({"temperature", "max_completion_tokens"}),
    system_role=False,
)
HEAD = (
    f"{'server':<32}{'calls':>7}{'refused':>9}{'again':>7}{'refused':>9}{'annotated':>11}{'failed':>8}  "
    "dialect, and why papers failed"
)


@dataclass(frozen=True)
class Run:
    """One run of ``broadsheet annotate``: its report and the calls that it made."""

    told: dict[str, Any]
    calls: list[Passed]

    @property
    def refused(self) -> int:
        """Calls without a completion."""
        return sum(call.status != 200 for call in self.calls)

    @property
    def whole(self) -> bool:
        """Whether every paper ended annotated or as a failure with a reason."""
        failures = self.told["failures"]
        ended = self.told["annotated"] + len(failures)
        return ended == self.told["papers"] > 0 and all(failure["reason"] for failure in failures)


def python_of(name: str, given: str, packages: tuple[str, ...], warning: str = "") -> Path:
    """The interpreter of a server's environment, made the first time; pip says how far it is."""
    if given:
        return Path(given)
    home = HERE / ".servers" / name
    python, ready = home / "bin" / "python", home / "ready"
    if not ready.exists():
        print(f"Installing {', '.join(packages)} into {home}. {warning}".rstrip(), flush=True)
        venv.create(home, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", *packages], check=True)
        ready.touch()
    return python


def broadsheet(*arguments: str, url: str, key: str, db: Path) -> subprocess.CompletedProcess[str]:
    """A command, as a user would type it."""
    environment = os.environ | {
        "OPENAI_BASE_URL": url,
        "OPENAI_API_KEY": key,
        "PYTHONPATH": str(ROOT / "src"),
        "NO_PROXY": "127.0.0.1",
    }
    command = [sys.executable, "-m", "broadsheet", *arguments, "--db", str(db)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def annotate(model: str, papers: int, relay: Relay, key: str, db: Path) -> Run:
    """Annotate so many papers.

    Raises:
        RuntimeError: The command ended in another way than with a report.
    """
    before = len(relay.seen)
    options = ["--engine", "openai", "--model", model, "--limit", str(papers), "--yes", "--json"]
    ended = broadsheet("annotate", *options, url=relay.base_url, key=key, db=db)
    if ended.returncode not in {0, 1} or not ended.stdout:
        raise RuntimeError(f"annotate ended with {ended.returncode}: {ended.stderr[-500:]}")
    return Run(json.loads(ended.stdout), relay.seen[before:])


def tried(name: str, url: str, key: str, model: str, papers: int) -> bool:
    """Two runs over a server and what doctor says of it, as a line; whether all went as it should."""
    with tempfile.TemporaryDirectory() as folder, Relay(url) as relay:
        db = Path(folder) / "broadsheet.db"
        broadsheet("fetch", "sample", url=url, key=key, db=db)
        first = annotate(model, papers, relay, key, db)
        second = annotate(model, papers, relay, key, db)
        with Store.open(db) as store:
            learnt = Dialect.parse(store.endpoint(relay.base_url, model).dialect())
        asked = ["doctor", "--engine", "openai", "--model", model]
        doctor = broadsheet(*asked, url=relay.base_url, key=key, db=db)
    reasons = sorted({failure["reason"] for run in (first, second) for failure in run.told["failures"]})
    annotated = first.told["annotated"] + second.told["annotated"]
    failed = len(first.told["failures"]) + len(second.told["failures"])
    sentence = learnt.sentence if learnt else "nothing learnt"
    print(
        f"{name:<32}{len(first.calls):>7}{first.refused:>9}{len(second.calls):>7}{second.refused:>9}"
        f"{annotated:>11}{failed:>8}  {'; '.join([sentence, *reasons])}",
        flush=True,
    )
    agreed = learnt is not None and learnt.sentence in doctor.stdout
    if not agreed:
        print(f"  doctor says otherwise: {doctor.stdout}{doctor.stderr}", flush=True)
    return first.whole and second.whole and not second.refused and agreed


@contextmanager
def litellm_proxy(python: Path, folder: Path, backends: dict[str, str], key: str) -> Iterator[str]:
    """LiteLLM's proxy before servers, each under a model's name; yields its base URL."""
    models = [
        {
            "model_name": name,
            "litellm_params": {"model": f"openai/{name}", "api_base": url, "api_key": "none"},
        }
        for name, url in backends.items()
    ]
    config, port = folder / "litellm.yaml", free_port()
    config.write_text(json.dumps({"model_list": models}), encoding="utf-8")
    command = [str(python.parent / "litellm"), "--config", str(config), "--telemetry", "False"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    quiet = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "NO_PROXY": "127.0.0.1"}
    with running(command, port, folder / "litellm.log", LITELLM_MASTER_KEY=key, **quiet) as url:
        yield url


def main() -> None:
    """Try both servers and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--llama-python", default="", help="Interpreter that has llama_cpp, gguf and numpy.")
    options.add_argument("--litellm-python", default="", help="Interpreter that has litellm[proxy].")
    chosen = options.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that servers are stopped then, too
    patience = "llama-cpp-python is compiled: about 6 minutes on two cores."
    llama_python = python_of("llama", chosen.llama_python, LLAMA, patience)
    litellm_python = python_of("litellm", chosen.litellm_python, LITELLM)
    key = f"sk-{secrets.token_urlsafe(32)}"
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        llama = stack.enter_context(llama_cpp_server(llama_python, folder, context=CONTEXT))
        able = stack.enter_context(OpenAIServer(from_own_words)).base_url
        narrow = stack.enter_context(OpenAIServer(from_own_words, NARROW)).base_url
        backends = {"able": able, "narrow": narrow, "tiny": llama}
        proxy = stack.enter_context(litellm_proxy(litellm_python, folder, backends, key))
        print("calls and refusals of a first run, and of a second run with other papers or failed ones")
        print(HEAD, flush=True)
        well = [
            tried("llama-cpp-python", llama, key, "tiny", NOISE_PAPERS),
            tried("LiteLLM: a server that takes all", proxy, key, "able", PAPERS),
            tried("LiteLLM: one that takes little", proxy, key, "narrow", PAPERS),
            tried("LiteLLM: llama-cpp-python", proxy, key, "tiny", NOISE_PAPERS),
        ]
    sys.exit(0 if all(well) else "Something did not go as it should: see the table.")


if __name__ == "__main__":
    main()
