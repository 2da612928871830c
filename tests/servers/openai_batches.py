"""``/v1/files`` and ``/v1/batches`` of the loopback server; a job is done after it was looked at so often.

A call can be held up (`Batches.hold_at`) before it is carried out, which then it never is, or after, so that
a test may kill the caller at exactly that moment.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

from servers.loopback import Answer, Call

Complete = Callable[..., Awaitable[Answer]]
DONE = {"completed", "expired", "failed", "cancelled"}


class Batches:
    """Files and jobs.

    Attributes:
        polls_to_finish: How often a job must be looked at before it is done; None for never.
        expire_after: Lines that are answered before the job expires; None for all.
        fail_lines: Numbers of lines that end in the error file with status 500.
        reject: Whether jobs fail validation, with no output at all.
        reject_code: The code of that.
        end_as: Status that a job ends with, whatever was answered; ``completed`` or ``expired`` unless given.
        run_as: Status of a job that is worked on.
        skip_lines: Numbers of lines that stand in neither file.
        busy: Headers of the calls that are refused next, each with a 429.
        broken_files: Files whose content is answered with status 500.
        lists: Whether jobs are listed.
        lost_calls: How many calls for a job are lost on the way.
        lost_answers: How many answers to such calls are, with the job created.
        hold_at: Where calls are held up: ``before`` or ``after``, a space, and ``upload``, ``create``,
            ``look`` or ``content``; empty for nowhere.
        held: Set when a call is held up.
        uploads: Files that were uploaded.
        polls: How often each job was looked at.
    """

    def __init__(self, complete: Complete) -> None:
        self._complete = complete
        self.files: dict[str, bytes] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.polls_to_finish: int | None = 1
        self.expire_after: int | None = None
        self.fail_lines: frozenset[int] = frozenset()
        self.reject = False
        self.reject_code = "invalid_file"
        self.end_as = ""
        self.run_as = "in_progress"
        self.skip_lines: frozenset[int] = frozenset()
        self.busy: list[dict[str, str]] = []
        self.broken_files: set[str] = set()
        self.lists = True
        self.lost_calls = 0
        self.lost_answers = 0
        self.hold_at = ""
        self.held = threading.Event()
        self.uploads = 0
        self.polls: Counter[str] = Counter()

    async def respond(self, call: Call) -> Answer:
        """Answer one call, held up where the test wants it."""
        action = _action(call)
        if await self._hold(f"before {action}"):
            return Answer(reset=True)
        if self.busy:
            return Answer(429, headers=self.busy.pop(0))
        if action == "create" and self.lost_calls:
            self.lost_calls -= 1
            return Answer(reset=True)
        answer = self._carry_out(call)
        await self._hold(f"after {action}")
        if action == "create" and self.lost_answers:
            self.lost_answers -= 1
            return Answer(reset=True)
        return answer

    def finish(self, base_url: str) -> None:
        """Look at every job until it is done; for the test's own thread."""
        for name in self.jobs:
            while self.jobs[name]["status"] not in DONE:
                urlopen(f"{base_url}/batches/{name}").close()

    async def _hold(self, place: str) -> bool:
        """Hold a call up for as long as the test says; whether it was, for its caller is dead by then."""
        begun = self.hold_at == place
        while self.hold_at == place:
            self.held.set()
            await asyncio.sleep(0.01)
        return begun

    def _carry_out(self, call: Call) -> Answer:
        path = call.path.partition("?")[0].removeprefix("/v1/")
        if call.method == "POST" and path == "files":
            return self._upload(call)
        if call.method == "POST" and path == "batches":
            return self._create(json.loads(call.body))
        if path == "batches" and self.lists:
            return self._list(call.path)
        kind, _, name = path.partition("/")
        if kind == "batches" and name in self.jobs:
            return Answer.of(self._look(name))
        file_id, _, rest = name.partition("/")
        if kind == "files" and file_id in self.files:
            if call.method == "DELETE":
                del self.files[file_id]
                return Answer.of({"id": file_id, "object": "file", "deleted": True})
            if rest == "content" and file_id in self.broken_files:
                return Answer(500)
            if rest == "content":
                return Answer(body=self.files[file_id], headers={"content-type": "application/jsonl"})
            return Answer.of(self._file(file_id))
        return Answer.of({"error": {"message": f"No such {kind}.", "code": "not_found"}}, 404)

    def _file(self, file_id: str) -> dict[str, Any]:
        return {
            "id": file_id,
            "object": "file",
            "bytes": len(self.files[file_id]),
            "created_at": int(time.time()),
            "filename": "requests.jsonl",
            "purpose": "batch",
            "status": "processed",
        }

    def _upload(self, call: Call) -> Answer:
        boundary = re.search(r'boundary="?([^";]+)', call.headers["content-type"])
        assert boundary
        for part in call.body.split(b"--" + boundary[1].encode()):
            head, _, content = part.partition(b"\r\n\r\n")
            if b'name="file"' in head:
                self.uploads += 1
                return Answer.of(self._file(self._keep(content.removesuffix(b"\r\n"))))
        return Answer.of({"error": {"message": "No file in the form."}}, 400)

    def _keep(self, content: bytes) -> str:
        file_id = f"file-{len(self.files) + 1}-{time.monotonic_ns()}"
        self.files[file_id] = content
        return file_id

    def _create(self, body: dict[str, Any]) -> Answer:
        name = f"batch_{len(self.jobs) + 1}"
        self.jobs[name] = {
            "id": name,
            "object": "batch",
            "endpoint": body["endpoint"],
            "input_file_id": body["input_file_id"],
            "completion_window": body["completion_window"],
            "created_at": int(time.time()),
            "status": "failed" if self.reject else self.run_as,
            "output_file_id": None,
            "error_file_id": None,
        }
        if self.reject:
            fault = {"code": self.reject_code, "message": "The file was not taken.", "line": 1}
            self.jobs[name]["errors"] = {"object": "list", "data": [fault]}
        return Answer.of(self.jobs[name])

    def _list(self, path: str) -> Answer:
        """A page of two jobs, latest first, so that the next page is asked for."""
        jobs = list(reversed(self.jobs.values()))
        after = parse_qs(urlsplit(path).query).get("after", [""])[0]
        begin = next((place for place, job in enumerate(jobs, 1) if job["id"] == after), 0)
        page = [_shown(job) for job in jobs[begin : begin + 2]]
        return Answer.of({"object": "list", "data": page, "has_more": begin + 2 < len(jobs)})

    def _look(self, name: str) -> dict[str, Any]:
        job = self.jobs[name]
        self.polls[name] += 1
        due = self.polls_to_finish is not None and self.polls[name] > self.polls_to_finish
        if job["status"] == self.run_as and due:
            job["status"] = "finalizing"
            job["task"] = asyncio.get_running_loop().create_task(self._run(job))
        return _shown(job)

    async def _run(self, job: dict[str, Any]) -> None:
        lines = [json.loads(line) for line in self.files[job["input_file_id"]].splitlines() if line.strip()]
        output: list[dict[str, Any]] = []
        errors: list[dict[str, Any]] = []
        for number, line in enumerate(lines):
            if self.expire_after is not None and number >= self.expire_after:
                error = {"code": "batch_expired", "message": "This request could not be executed in time."}
                errors.append({"custom_id": line["custom_id"], "response": None, "error": error})
                continue
            if number in self.skip_lines:
                continue
            answer = (
                Answer(500) if number in self.fail_lines else await self._complete(line["body"], batched=True)
            )
            status = 500 if answer.reset else answer.status
            body = json.loads(answer.body)
            told = {
                "custom_id": line["custom_id"],
                "response": {"status_code": status, "request_id": f"r{number}", "body": body},
                "error": None,
            }
            (output if status == 200 else errors).append(told)
        output.reverse()  # the service promises no order
        for key, told_lines in (("output_file_id", output), ("error_file_id", errors)):
            if told_lines:
                job[key] = self._keep("\n".join(map(json.dumps, told_lines)).encode())
        job["status"] = self.end_as or ("expired" if self.expire_after is not None else "completed")


def _action(call: Call) -> str:
    path = call.path.partition("?")[0]
    if call.method == "POST":
        return "upload" if path.endswith("/files") else "create"
    return "content" if path.endswith("/content") else "look"


def _shown(job: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in job.items() if key != "task"}
