// Restate: a service of this process, called through the server's ingress.
import { createServer } from "node:http2";
import * as restate from "@restatedev/restate-sdk";
import { connect } from "@restatedev/restate-sdk-clients";
import { load, payload, questions, say, sayRate, sayStart, tail } from "./common.mjs";

const ingress = connect({ url: `http://127.0.0.1:${process.env.RESTATE_INGRESS_PORT}` });
const port = Number(process.env.RESTATE_SERVICE_PORT);
const system = "Restate 1.7";
const durability = "a sync before each answer (its default)";
let tell = () => {};
const service = restate.service({
  name: "Bench",
  handlers: {
    noop: async () => tell(),
    three: async (context) => {
      let sum = 0;
      for (const step of ["reserve", "charge", "ship"]) sum += await context.run(step, () => 1);
      return sum;
    },
  },
});
const handler = restate.endpoint().bind(service).http2Handler();
const server = createServer(handler);
await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
const registered = await fetch(`http://127.0.0.1:${process.env.RESTATE_ADMIN_PORT}/deployments`, {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ uri: `http://127.0.0.1:${port}` }),
});
if (!registered.ok) throw new Error(await registered.text());

const sender = ingress.serviceSendClient({ name: "Bench" });
const client = ingress.serviceClient({ name: "Bench" });
const many = await load(32, (_, n) => client.three(payload(n)));
say(system, durability, questions.flowMany, many.rate, "/s", tail(many));
const one = await load(1, (_, n) => client.three(payload(n)));
say(system, durability, questions.flowOne, one.p50, "ms", `p99 ${one.p99.toFixed(2)} ms`);
await sayStart(system, durability, (n) => sender.noop(payload(n)), (listener) => (tell = listener));
tell = () => {};
await sayRate(system, durability, questions.enqueueOne, 1, (_, n) => sender.noop(payload(n)));
await sayRate(system, durability, questions.enqueueMany, 64, (_, n) => sender.noop(payload(n)));
process.exit(0);
