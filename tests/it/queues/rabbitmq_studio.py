"""A studio that renders by RabbitMQ: producer and worker as people write them.

    rabbitmq_studio.py PORT QUEUE submit N       N frames, each of which waits for the file `go`
    rabbitmq_studio.py PORT QUEUE work HOST      a worker on a host of this name
"""

import os
import sys
import time

import pika


def main():
    port, queue, word, rest = sys.argv[1:]
    login = pika.PlainCredentials("farm", "right-word")
    name = {"connection_name": rest} if word == "work" else {}
    parameters = pika.ConnectionParameters(
        "127.0.0.1", int(port), credentials=login, client_properties=name, heartbeat=0)
    connection = pika.BlockingConnection(parameters)
    channel = connection.channel()
    channel.queue_declare(queue, durable=True)
    if word == "submit":
        for number in range(int(rest)):
            properties = pika.BasicProperties(timestamp=int(time.time()))
            channel.basic_publish("", queue, str(number), properties)
    elif word == "work":
        channel.basic_qos(prefetch_count=1)
        for method, _, _ in channel.consume(queue):
            while not os.path.exists("go"):
                connection.sleep(0.02)
            channel.basic_ack(method.delivery_tag)
    connection.close()


main()
