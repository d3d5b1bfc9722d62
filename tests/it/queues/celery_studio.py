"""A studio that renders by Celery on Redis: application and producer as people write them.

    celery_studio.py submit N                        N frames, each of which waits for the file `go`
    celery -A celery_studio worker -Q frames …       with BROKER in the environment
"""

import os
import sys
import time

from celery import Celery

app = Celery("celery_studio", broker=os.environ["BROKER"])
app.conf.update(task_default_queue="frames", task_acks_late=True, worker_prefetch_multiplier=1,
                broker_connection_retry_on_startup=True)


@app.task(name="studio.frame", ignore_result=True)
def frame(number):
    while not os.path.exists("go"):
        time.sleep(0.02)
    return number


if __name__ == "__main__":
    with app.producer_pool.acquire(block=True) as producer:
        for number in range(int(sys.argv[2])):
            frame.apply_async((number,), producer=producer)
