// BullMQ on a Redis that syncs its log before it answers (`appendfsync always`).
import { Queue, Worker } from "bullmq";
import { load, now, payload, questions, say, sayRate, sayStart } from "./common.mjs";

const connection = { host: "127.0.0.1", port: Number(process.env.REDIS_PORT), maxRetriesPerRequest: null };
const system = "BullMQ 6.7 on Redis";
const durability = "a sync before each answer (Redis appendfsync always)";
const JOBS = Number(process.env.PEERS_JOBS ?? 10000);

const queue = new Queue("enqueue", { connection });
await sayRate(system, durability, questions.enqueueOne, 1, (_, n) => queue.add("noop", payload(n)));
await sayRate(system, durability, questions.enqueueMany, 64, (_, n) => queue.add("noop", payload(n)));
const came = await load(1, (_, n) =>
  queue.addBulk(Array.from({ length: 500 }, (_, m) => ({ name: "noop", data: payload(n * 500 + m) }))),
);
say(system, durability, questions.enqueueBatch, came.rate * 500, "/s", `p50 of a batch ${came.p50.toFixed(1)} ms`);
await queue.obliterate({ force: true });
await queue.close();

async function drain(question, jobs, options) {
  const queue = new Queue(`drain-${options.concurrency ?? 1}`, { connection });
  for (let first = 0; first < jobs; first += 500) {
    await queue.addBulk(Array.from({ length: 500 }, (_, m) => ({ name: "noop", data: payload(first + m) })));
  }
  let done = 0;
  let all;
  const finished = new Promise((resolve) => (all = resolve));
  const begun = now();
  const worker = new Worker(queue.name, async () => null, { connection, ...options });
  // Told when the outcome is in Redis.
  worker.on("completed", () => ++done === jobs && all());
  await finished;
  say(system, durability, question, (jobs * 1000) / (now() - begun), "/s", `concurrency ${options.concurrency ?? 1}`);
  await worker.close();
  await queue.close();
}
await drain(questions.drain, Math.min(JOBS, 3000), {});
await drain(questions.drainTuned, JOBS, { concurrency: 50 });

const idle = new Queue("idle", { connection });
let tell = () => {};
const worker = new Worker("idle", async () => tell(), { connection });
await worker.waitUntilReady();
await sayStart(system, durability, (n) => idle.add("noop", payload(n)), (listener) => (tell = listener));
await worker.close();
await idle.close();
process.exit(0);
