// NATS JetStream, file storage, with `sync_interval: always`.
import { connect, JSONCodec, AckPolicy, StorageType } from "nats";
import { now, payload, questions, say, sayRate } from "./common.mjs";

const connection = await connect({ servers: `127.0.0.1:${process.env.NATS_PORT}` });
const system = `NATS ${connection.info.version} JetStream`;
const durability = "a sync before each answer (sync_interval: always)";
const codec = JSONCodec();
const manager = await connection.jetstreamManager();
const stream = connection.jetstream();
await manager.streams.add({ name: "log", subjects: ["order.*"], storage: StorageType.File });
const publish = (_, n) => stream.publish("order.placed", codec.encode(payload(n)));
await sayRate(system, durability, questions.publishOne, 1, publish);
await sayRate(system, durability, questions.publishMany, 64, publish);

const wanted = Math.min((await manager.streams.info("log")).state.messages, 100_000);
await manager.consumers.add("log", { durable_name: "replay", ack_policy: AckPolicy.None });
const consumer = await stream.consumers.get("log", "replay");
const begun = now();
let read = 0;
for await (const message of await consumer.consume({ max_messages: 1000 })) {
  codec.decode(message.data);
  if (++read >= wanted) break;
}
say(system, durability, questions.replay, (read * 1000) / (now() - begun), "/s", `${read} events, one reader`);

const bucket = await stream.views.kv("state", { history: 1, storage: StorageType.File });
const put = (writer, n) => bucket.put(`writer.${writer}.${n % 100}`, codec.encode(payload(n)));
for (const writers of [1, 16, 64]) await sayRate(system, durability, questions.put(writers), writers, put);
const revisions = await Promise.all(Array.from({ length: 64 }, (_, writer) => bucket.put(`cas.${writer}`, codec.encode(payload(0)))));
await sayRate(system, durability, questions.cas, 64, async (writer, n) => {
  revisions[writer] = await bucket.update(`cas.${writer}`, codec.encode(payload(n)), revisions[writer]);
});
await connection.close();
process.exit(0);
