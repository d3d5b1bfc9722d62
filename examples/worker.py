#!/usr/bin/env python3
"""A queue worker for farmscale's Redis contract (docs/workers.md); the standard library is enough.

    QUEUE=frames INSTANCE=ins-1 ./worker.py blender -b

takes a task at a time and runs `blender -b TASK`; SIGTERM ends it after its task. Environment:
REDIS_HOST, REDIS_PORT, REDIS_DB, REDIS_PASSWORD, QUEUE, WORKER (unique), INSTANCE (name or id).
"""
import json, os, signal, socket, subprocess, sys, threading, time

QUEUE, INSTANCE = os.environ["QUEUE"], os.environ.get("INSTANCE") or socket.gethostname()
WORKER = os.environ.get("WORKER") or f"{INSTANCE}-{os.getpid()}@{QUEUE}"
LIVES, BEAT, SWEEP, WAIT = 30, 10, 60, 2  # seconds
BUSY, HEART, DRAINS = "busy:" + WORKER, "worker:" + WORKER, ("drain:" + WORKER, "drain:" + INSTANCE)
# Looks for a drain request and answers it in one step: there is no moment in which the answer
# still says `drained` while a task is taken.
ANSWER = """
local drained = redis.call('EXISTS', KEYS[2], KEYS[3]) > 0
redis.call('SET', KEYS[1], drained and ARGV[1] or ARGV[2], 'EX', ARGV[3])
return drained and 1 or 0"""
# Gives back what workers without a heartbeat hold. A name with `@` belongs to the list after it.
ORPHANS = """
local cursor = '0'
repeat
  local page = redis.call('SCAN', cursor, 'MATCH', 'busy:*', 'COUNT', 1000)
  cursor = page[1]
  for _, key in ipairs(page[2]) do
    local name = string.sub(key, 6)
    local list = string.match(name, '@([^@]*)$')
    if (not list or list == ARGV[1]) and redis.call('EXISTS', 'worker:' .. name) == 0 then
      while redis.call('LMOVE', key, ARGV[1], 'LEFT', 'RIGHT') do end
    end
  end
until cursor == '0'"""
state, lock, stopping, unsettled = "idle", threading.Lock(), threading.Event(), None

class Redis:
    """One connection; speaks RESP2, without arrays in answers."""
    def __init__(self):
        env = os.environ.get
        address = env("REDIS_HOST", "127.0.0.1"), int(env("REDIS_PORT", "6379"))
        self.socket = socket.create_connection(address, timeout=WAIT + 10)
        self.file = self.socket.makefile("rb")
        if env("REDIS_PASSWORD"):
            self("AUTH", env("REDIS_PASSWORD"))
        self("SELECT", env("REDIS_DB", "0"))

    def __call__(self, *words):
        words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        parts = [b"$%d\r\n%s\r\n" % (len(word), word) for word in words]
        self.socket.sendall(b"*%d\r\n" % len(parts) + b"".join(parts))
        line = self.file.readline()
        kind, rest = line[:1], line[1:-2]
        if kind in b"-":  # or nothing: the connection is closed
            raise ConnectionError(rest.decode() or "Redis closed the connection")
        if kind in b"$*" and rest == b"-1":
            return None
        return self.file.read(int(rest) + 2)[:-2] if kind == b"$" else rest

def word(text):
    return json.dumps({"state": text, "instance": INSTANCE})

def may_take(redis):
    global state
    with lock:  # so that the heartbeat thread never repeats an older word after a newer one
        drained = redis("EVAL", ANSWER, 3, HEART, *DRAINS, word("drained"), word("idle"), LIVES)
        state = "drained" if drained == b"1" else "idle"
    return state == "idle"

def beat(redis=None, swept=time.monotonic()):
    while True:
        time.sleep(BEAT)
        try:
            redis = redis or Redis()
            with lock:
                redis("SET", HEART, word(state), "EX", LIVES)
            if SWEEP <= time.monotonic() - swept:
                redis("EVAL", ORPHANS, 0, QUEUE)
                swept = time.monotonic()
        except OSError as error:
            redis = print(f"heartbeat: {error}", file=sys.stderr)  # a new connection next time

def settle(redis):
    global unsettled
    if unsettled:  # still here after a broken connection: asked again over the next one
        redis(*unsettled)
        unsettled = None

def run(redis, task):
    global state, unsettled
    state = "busy"  # the task in our busy list says so already; the heartbeat follows
    failed = subprocess.call(sys.argv[1:] + [os.fsdecode(task)])
    # a task that fails is kept for people; put back, it would fail for ever
    to_failed = "LMOVE", BUSY, "failed:" + QUEUE, "LEFT", "LEFT"
    unsettled = to_failed if failed else ("LREM", BUSY, 1, task)
    settle(redis)

def work(redis):
    settle(redis)
    # What this name still holds is of an earlier life, or was given while the connection broke.
    while redis("LMOVE", BUSY, QUEUE, "LEFT", "RIGHT") is not None:
        pass
    redis("EVAL", ORPHANS, 0, QUEUE)
    while not stopping.is_set():
        if not may_take(redis):
            stopping.wait(WAIT)
        elif (task := redis("BLMOVE", QUEUE, BUSY, "RIGHT", "LEFT", WAIT)) is not None:
            run(redis, task)
    with lock:
        redis("DEL", HEART)
        os._exit(0)  # with the lock held: no heartbeat comes after this

signal.signal(signal.SIGTERM, lambda *_: stopping.set())
threading.Thread(target=beat, daemon=True).start()
while True:
    try:
        work(Redis())
    except OSError as error:
        print(f"worker: {error}; trying again", file=sys.stderr)
        time.sleep(WAIT)
