// BullMQ's own producer and worker, for tests: submit N, or work. A job lasts until there is a file `go`.
const fs = require('node:fs');
const { Queue, Worker } = require('bullmq');
const Redis = require('ioredis');

const [url, order, count] = process.argv.slice(2);
const { hostname: host, port, password } = new URL(url);
const connection = { host, port: Number(port), password, maxRetriesPerRequest: null };
const pause = (ms) => new Promise((ended) => setTimeout(ended, ms));

async function submit(tasks) {
  const queue = new Queue('frames', { connection });
  const jobs = Array.from({ length: tasks }, (_, frame) => ({ name: 'shot7', data: { frame } }));
  await queue.addBulk(jobs);
  await queue.close();
}

async function frame() {
  while (!fs.existsSync('go')) await pause(20);
}

// As docs/queues/bullmq.md says: it ends after its job when its machine is asked to take no more.
async function work() {
  const machine = 'ins-1';
  const worker = new Worker('frames', frame, { connection, name: machine });
  worker.on('error', () => {});
  const redis = new Redis(connection);
  redis.on('error', () => {});
  while (!(await redis.sismember('farmscale:bullmq:drained', machine))) await pause(50);
  const closed = worker.close();
  fs.writeFileSync('closing', '');
  await closed;
  redis.disconnect();
}

(order === 'submit' ? submit(Number(count)) : work()).then(() => process.exit(0));
