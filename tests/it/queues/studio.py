"""A small queue of a studio's own, for the sources that read JSON: a server, and a program.

    studio.py STATE serve PORT TOKEN     GET /queue; POST /drain /undrain; GET /slow never ends
    studio.py STATE print                the same document on stdout
    studio.py STATE drain|undrain        the machine as JSON on stdin
    studio.py STATE submit N | work BUSY | obey | flood

The state is one JSON file, written under a lock: server and program may be used on the same queue.
"""

import fcntl
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

EMPTY = {"next": 1, "waiting": [], "worker": None, "asked": False, "filler": ""}


def changed(path, change):
    with open(path + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            with open(path) as file:
                state = json.load(file)
        except FileNotFoundError:
            state = dict(EMPTY)
        answer = change(state)
        with open(path, "w") as file:
            json.dump(state, file)
        return answer


def document(state):
    tasks = [{"id": number, "job": "shot", "submitted_at": 1000} for number in state["waiting"]]
    workers = []
    worker = state["worker"]
    if worker:
        if worker["task"]:
            tasks.append({"id": worker["task"], "job": "shot", "submitted_at": 1000, "started_at": 1001})
        workers.append({"name": "w1", "instance": "ins-1", "state": worker["state"]})
    return {"tasks": tasks, "workers": workers, "filler": state["filler"]}


def submit(count):
    def change(state):
        state["waiting"] += range(state["next"], state["next"] + count)
        state["next"] += count

    return change


def work(busy):
    def change(state):
        task = state["waiting"].pop(0) if busy and state["waiting"] else None
        state["worker"] = {"task": task, "state": "busy" if task else "idle"}

    return change


def obey(state):
    if state["worker"]:
        state["worker"] = {"task": None, "state": "drained" if state["asked"] else "idle"}


def ask(drained):
    return lambda state: state.update(asked=drained)


def flood(state):
    state["filler"] = " " * 2_000_000


def serve(path, port, token):
    class Handler(BaseHTTPRequestHandler):
        def answer(self, status, body):
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def allowed(self):
            if self.headers.get("Authorization") == "Bearer " + token:
                return True
            self.answer(401, b"who are you?")
            return False

        def do_GET(self):
            if self.allowed():
                self.answer(200, json.dumps(changed(path, document)).encode())

        def do_POST(self):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.allowed():
                changed(path, ask(self.path == "/drain"))
                self.answer(200, b"{}")

        def log_message(self, *_):
            pass

    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


def main():
    path, word, *rest = sys.argv[1:]
    if word == "serve":
        serve(path, int(rest[0]), rest[1])
    elif word == "print":
        print(json.dumps(changed(path, document)))
    elif word in ("drain", "undrain"):
        json.load(sys.stdin)
        changed(path, ask(word == "drain"))
    else:
        changes = {"submit": lambda: submit(int(rest[0])), "work": lambda: work(rest[0] == "true"),
                   "obey": lambda: obey, "flood": lambda: flood}
        changed(path, changes[word]())


main()
