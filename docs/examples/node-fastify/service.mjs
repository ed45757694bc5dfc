// A service of the fleet in Node.js with Fastify: level 2.0 of the syscall contract.
//
//   blackroad registry --json > registry.json
//   npm ci && SERVICE_NAME=reports PORT=9000 npm start
//
// It asks nobody for a token, so it is for a fleet with SYSCALL_AUTH=open; ../node-http and ../python-fastapi show how tokens are checked.
import Fastify from "fastify";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

// What the service is for: its methods. Each is given the params and a signal that its deadline aborts.
const methods = {
  total({ numbers = [] }) {
    if (!Array.isArray(numbers) || !numbers.every(Number.isFinite)) {
      throw refusal(400, "INVALID_PARAMS", "numbers is a list of numbers", "handler");
    }
    return { total: numbers.reduce((sum, number) => sum + number, 0) };
  },
  async rest({ millis = 5_000 }, signal) {
    await sleep(millis, undefined, { signal });
    return {};
  },
};

const env = process.env;
const VERSION = env.VERSION ?? "1.0.0";
const ENVIRONMENT = env.ENVIRONMENT ?? env.RAILWAY_ENVIRONMENT_NAME ?? "development";
const registry = JSON.parse(readFileSync(env.REGISTRY_FILE ?? "registry.json", "utf8"));
const find = (name) => registry.find((service) => service.key === name || service.name === name);
const own = find(env.SERVICE_NAME);
if (!own) throw new Error(`SERVICE_NAME is ${env.SERVICE_NAME}, which the registry does not know`);
const port = Number(env.PORT ?? own.port);
const urls = ENVIRONMENT === "production" ? own.production : own.development;
const internal = (service) => `http://${service.name}.railway.internal:${service.port}`;
const found = (service) => env[`${service.key.toUpperCase().replaceAll("-", "_")}_INTERNAL_URL`] ?? internal(service);
const refusal = (statusCode, code, message, origin = "kernel") =>
  Object.assign(new Error(message), { statusCode, code, origin, told: true });

const app = Fastify({ bodyLimit: 1_048_576, logger: { level: env.LOG_LEVEL ?? "info" } });

// Any content type is taken as JSON where a body is due.
app.removeAllContentTypeParsers();
app.addContentTypeParser("*", { parseAs: "string" }, (_request, text, done) => done(null, text));

app.setErrorHandler((error, request, reply) => {
  const status = error.statusCode ?? 500;
  if (status >= 500 && !error.told) request.log.error(error);
  reply.code(status).header("x-syscall-origin", error.origin ?? "kernel");
  if (status === 503) reply.header("retry-after", "1");
  const told = status < 500 || error.told;
  return { error: { code: told ? error.code : "INTERNAL", message: told ? error.message : "something went wrong" } };
});
app.setNotFoundHandler(() => {
  throw refusal(404, "ROUTE_NOT_FOUND", "there is nothing at this path");
});

const service = () => ({ name: own.name, role: own.role, version: VERSION, environment: ENVIRONMENT, port });
const identity = () => ({
  service: own.name,
  role: own.role,
  version: VERSION,
  environment: ENVIRONMENT,
  dns: {
    cloudflare: ENVIRONMENT === "production" ? (urls.cloudflare ?? "") : "",
    railway: urls.railway,
    internal: internal(own),
  },
  runtime: {
    railwayHost: env.RAILWAY_STATIC_URL ?? urls.railway,
    internalHost: internal(own),
    port: own.port,
    pid: process.pid,
    uptime: process.uptime(),
  },
  health: { status: "healthy", uptime: process.uptime(), lastCheck: new Date().toISOString() },
  capabilities: ["rpc"],
});

app.get("/health", () => ({ status: "healthy" }));
app.get("/version", () => ({ version: VERSION, service: own.name }));
app.get("/v1/sys/identity", identity);
app.get("/v1/sys/health", () => {
  const { rss, heapTotal, heapUsed, external } = process.memoryUsage();
  const memory = { rss, heapTotal, heapUsed, external };
  return { status: "healthy", timestamp: new Date().toISOString(), uptime: process.uptime(), memory, checks: {} };
});
app.get("/v1/sys/version", () => ({
  version: VERSION,
  service: own.name,
  nodeVersion: process.version,
  environment: ENVIRONMENT,
}));
app.get("/v1/sys/config", () => ({
  service: service(),
  features: { rpc: true, events: false, jobs: false, state: false },
}));

app.post("/v1/sys/rpc", async (request, reply) => {
  const body = read(request.body);
  const { method, params, timeout } = body;
  if (typeof method !== "string" || method === "") throw refusal(400, "INVALID_ARGUMENT", "method is a text");
  if (timeout != null && !(timeout >= 0)) throw refusal(400, "INVALID_ARGUMENT", "timeout is a number of milliseconds");
  const signal = AbortSignal.timeout(Math.min(timeout ?? 10_000, 30_000));
  const named = body.service == null ? own : find(body.service);
  if (!named) throw refusal(404, "UNKNOWN_SERVICE", `Unknown service: ${body.service}`);
  if (named !== own) return relay(named, { method, params, timeout }, request, reply, signal);
  if (!Object.hasOwn(methods, method)) throw refusal(404, "METHOD_NOT_FOUND", `${own.name} has no method "${method}"`);
  const late = new Promise((_, reject) => {
    signal.onabort = () => reject(refusal(504, "DEADLINE_EXCEEDED", `${method} took longer than its deadline`));
  });
  const result = await Promise.race([late, Promise.resolve().then(() => methods[method](params ?? {}, signal))]);
  return { result };
});

function read(text) {
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    throw refusal(400, "INVALID_JSON", "the body is not JSON");
  }
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw refusal(400, "INVALID_ARGUMENT", "the body is an object");
  }
  return body;
}

// A call for another service is passed on with the caller's credential, and its answer passed back.
async function relay(other, body, request, reply, signal) {
  const headers = { "content-type": "application/json" };
  if (request.headers.authorization) headers.authorization = request.headers.authorization;
  try {
    const answer = await fetch(`${found(other)}/v1/sys/rpc`, { method: "POST", headers, body: JSON.stringify(body), signal });
    const told = await answer.json();
    reply.code(answer.status);
    return told;
  } catch (error) {
    if (signal.aborted) throw refusal(504, "DEADLINE_EXCEEDED", `${other.name} did not answer in time`);
    throw refusal(503, "SERVICE_UNREACHABLE", `${other.name} cannot be reached: ${error.cause?.code ?? error.message}`);
  }
}

// The operator's roster: the fleet then knows this process, shows it and probes it.
const instance = randomUUID();
async function tellOperator(method, params) {
  const operator = find("operator");
  if (!operator) return true;
  const headers = { "content-type": "application/json", "x-service-name": own.name };
  const asked = fetch(`${found(operator)}/v1/sys/rpc`, {
    method: "POST",
    headers,
    body: JSON.stringify({ method, params }),
    signal: AbortSignal.timeout(2_000),
  });
  return asked.then((answer) => answer.ok, () => false);
}

app.addHook("onListen", async () => {
  const told = () => tellOperator("mesh.announce", { identity: identity(), instance, url: env.OWN_URL });
  const again = async () => {
    for (let wait = 250; !(await told()); wait = Math.min(wait * 2, 30_000)) await sleep(wait, undefined, { ref: false });
  };
  again();
});
for (const signal of ["SIGTERM", "SIGINT"]) {
  process.once(signal, async () => {
    await tellOperator("mesh.signOff", { service: own.name, instance, reason: signal });
    await app.close();
  });
}

// In development loopback alone; on a platform every address, IPv6 too.
await app.listen({ port, host: ENVIRONMENT === "development" ? "127.0.0.1" : "::" });
