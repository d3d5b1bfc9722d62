"""A studio that renders by RQ: producer and worker as people write them.

    rq_studio.py URL submit N            N frames, each of which waits for the file `go`
    rq_studio.py URL work NAME HOST      a worker on a host of this name; ends when it is told to
"""

import os
import socket
import sys
import time

from redis import Redis
from rq import Queue, Worker


def frame(number):
    while not os.path.exists("go"):
        time.sleep(0.02)
    return number


def main():
    url, word, *rest = sys.argv[1:]
    connection = Redis.from_url(url)
    if word == "submit":
        import rq_studio
        queue = Queue("frames", connection=connection)
        jobs = [Queue.prepare_data(rq_studio.frame, (number,)) for number in range(int(rest[0]))]
        queue.enqueue_many(jobs)
    else:
        name, host = rest
        socket.gethostname = lambda: host
        Worker(["frames"], name=name, connection=connection).work(logging_level="WARNING")


if __name__ == "__main__":
    main()
