#!/usr/bin/env python3
"""Workers for the machines of `farmscale cloudsim`, which boot nothing of their own.

    QUEUE=render ./simulated_workers.py http://127.0.0.1:9400 [COMMAND …]

starts examples/worker.py for each GPU of each machine that runs, and ends it when the machine is off or
gone. Tasks are given to COMMAND; unless said one sleeps 5 seconds. Redis is found as worker.py finds it
(REDIS_HOST, REDIS_PORT, REDIS_DB, REDIS_PASSWORD). Ctrl-C or SIGTERM ends what was started here.
"""
import json, os, signal, socket, subprocess, sys, threading, time, urllib.request

QUEUE, CLOUD = os.environ.get("QUEUE", "render"), (sys.argv[1:] or ["http://127.0.0.1:9400"])[0]
COMMAND = sys.argv[2:] or [sys.executable, "-c", "import time; time.sleep(5)"]
WORKER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "worker.py")
LOOK, GRACE = 0.2, 5  # seconds: between two looks, and for a worker to end by itself
ended = threading.Event()

def ask(path, body=None):
    """GET, or POST with a body, behind the simulated cloud's back door."""
    data = body and json.dumps(body).encode()
    request = urllib.request.Request(CLOUD + path, data, {"Content-Type": "application/json"})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=5) as answer:
        return json.load(answer)

class Redis:
    """Asks for the length of a list, and nothing else."""
    def __init__(self):
        env = os.environ.get
        address = env("REDIS_HOST", "127.0.0.1"), int(env("REDIS_PORT", "6379"))
        self.socket = socket.create_connection(address, timeout=5)
        self.file = self.socket.makefile("rb")
        if env("REDIS_PASSWORD"):
            self("AUTH", env("REDIS_PASSWORD"))
        self("SELECT", env("REDIS_DB", "0"))

    def __call__(self, *words):
        words = [word.encode() for word in words]
        parts = [b"$%d\r\n%s\r\n" % (len(word), word) for word in words]
        self.socket.sendall(b"*%d\r\n" % len(parts) + b"".join(parts))
        line = self.file.readline()
        if line[:1] in b"-":  # or nothing: the connection is closed
            raise ConnectionError(line[1:-2].decode() or "Redis closed the connection")
        return line[1:-2]

class Machine:
    """A running machine and its workers, one for each GPU."""
    def __init__(self, row):
        self.id, self.name, self.percent = row["id"], row["name"], None
        self.names = [f"{self.id}-{gpu}@{QUEUE}" for gpu in range(max(1, row["gpu"]))]
        self.workers = {name: start(self.id, name) for name in self.names}
        print(f"{self.name} runs: {len(self.names)} worker(s) started", flush=True)

    def look(self, redis):
        """Starts again what has died, and tells the cloud how busy the GPUs are."""
        for name, worker in self.workers.items():
            if worker.poll() is not None:
                print(f"{name} has ended ({worker.returncode}) and is started again", flush=True)
                self.workers[name] = start(self.id, name)
        busy = sum(redis("LLEN", f"busy:{name}") != b"0" for name in self.names)
        percent = 95 * busy // len(self.names)
        if percent != self.percent:
            ask("/sim/usage", {"instance": self.id, "percent": percent})
            self.percent = percent

    def end(self, why):
        """Tells the workers to end; a task still running then is lost with its machine."""
        print(f"{self.name} {why}: its worker(s) end", flush=True)
        for worker in self.workers.values():
            if worker.poll() is None:
                worker.terminate()
        threading.Thread(target=self.reap).start()

    def reap(self):
        until = time.monotonic() + GRACE
        for worker in self.workers.values():
            try:
                worker.wait(max(0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(worker.pid, signal.SIGKILL)  # its own session: started below
                worker.wait()

def start(instance, name):
    env = dict(os.environ, QUEUE=QUEUE, INSTANCE=instance, WORKER=name)
    command = [sys.executable, WORKER, *COMMAND]
    return subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, start_new_session=True)

def look(machines, redis):
    rows = {row["id"]: row for row in ask("/sim/instances")["instances"]}
    for id in list(machines):
        status = rows[id]["status"] if id in rows else "gone"
        if status != "running":
            machines.pop(id).end(f"is {status}")
    for id, row in rows.items():
        if row["status"] == "running" and id not in machines:
            machines[id] = Machine(row)
    for machine in machines.values():
        machine.look(redis)

machines, redis, fault = {}, None, None
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, lambda *_: ended.set())
print(f"workers for the machines of {CLOUD}, queue {QUEUE}", flush=True)
while not ended.wait(LOOK):
    try:
        redis = redis or Redis()
        look(machines, redis)
        fault = None
    except OSError as error:  # of the cloud or of Redis: the workers stay
        redis = None
        if str(error) != fault:
            fault = print(f"{error}; trying again", file=sys.stderr, flush=True) or str(error)
for machine in machines.values():
    machine.end("is left")
