// A service of the fleet in Node.js with Fastify: level 2.0 of the syscall contract.
//
//   blackroad registry --json > registry.json
//   npm ci && SERVICE_NAME=reports PORT=9000 npm start
//
// With SYSCALL_ROOT_KEYS and SYSCALL_AUTH=required it asks its callers for tokens; with SYSCALL_TOKEN it shows its own.
import Fastify from "fastify";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { credential, gate } from "./tokens.mjs";

// What the service is for: its methods. Each is given the params, who calls, and a signal that its deadline aborts. What is said of them
// is listed to who asks, and the gateway holds params against their schema.
const methods = {
  total: {
    description: "Adds numbers.",
    params: { type: "object", properties: { numbers: { type: "array", items: { type: "number" } } } },
    idempotent: true,
    run({ numbers = [] }) {
      if (!Array.isArray(numbers) || !numbers.every(Number.isFinite)) {
        throw refusal(400, "INVALID_PARAMS", "numbers is a list of numbers", "handler");
      }
      return { total: numbers.reduce((sum, number) => sum + number, 0) };
    },
  },
  rest: {
    description: "Does nothing for so many milliseconds.",
    params: { type: "object", properties: { millis: { type: "number" } } },
    idempotent: true,
    async run({ millis = 5_000 }, { signal }) {
      await sleep(millis, undefined, { signal });
      return {};
    },
  },
  whoAmI: {
    description: "Says as whom the caller is known, and which service speaks for them.",
    params: { type: "object" },
    idempotent: true,
    run: (_, { caller }) => ({ subject: caller?.subject ?? null, by: caller?.by ?? null }),
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
const guard = gate(own.key, env.SYSCALL_AUTH ?? (ENVIRONMENT === "development" ? "open" : "required"), env.SYSCALL_ROOT_KEYS);
const urls = ENVIRONMENT === "production" ? own.production : own.development;
const internal = (service) => `http://${service.name}.railway.internal:${service.port}`;
const found = (service) => env[`${service.key.toUpperCase().replaceAll("-", "_")}_INTERNAL_URL`] ?? internal(service);
const refusal = (status, code, message, origin = "kernel") => Object.assign(new Error(message), { status, code, origin });

// A line of the log, as every service writes it.
const logger = {
  level: env.LOG_LEVEL ?? "info",
  messageKey: "message",
  nestedKey: "meta",
  base: undefined,
  timestamp: () => `,"timestamp":"${new Date().toISOString()}","service":"${own.name}"`,
  formatters: { level: (level) => ({ level }) },
};
const app = Fastify({ bodyLimit: 1_048_576, logger });

// Any content type is taken as JSON where a body is due.
app.removeAllContentTypeParsers();
app.addContentTypeParser("*", { parseAs: "string" }, (_request, text, done) => done(null, text));

app.setErrorHandler((error, request, reply) => {
  // A refusal of ours has a status, one of the framework a statusCode.
  const status = error.status ?? error.statusCode ?? 500;
  const told = status < 500 || error.status !== undefined;
  if (!told) request.log.error({ error: error.stack }, "a request failed");
  reply.code(status).header("x-syscall-origin", error.origin ?? (told ? "kernel" : "handler"));
  if (status === 401) reply.header("www-authenticate", "Bearer");
  if (status === 503) reply.header("retry-after", "1");
  if (!told) return { error: { code: "INTERNAL", message: "something went wrong" } };
  return { error: { code: error.code, message: error.message, details: error.details } };
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

// What may be called; the gateway asks for it before it passes a call on.
app.get("/v1/sys/rpc", (request) => {
  guard.allow(guard.admit(request.headers.authorization), "openapi read");
  return { methods: Object.entries(methods).map(([name, { run, ...said }]) => ({ name, ...said, result: {} })) };
});

app.post("/v1/sys/rpc", async (request, reply) => {
  const caller = guard.admit(request.headers.authorization);
  const body = read(request.body);
  const { method, params, timeout } = body;
  if (typeof method !== "string" || method === "") throw refusal(400, "INVALID_ARGUMENT", "method is a text");
  if (timeout != null && !(Number.isSafeInteger(timeout) && timeout >= 0)) {
    throw refusal(400, "INVALID_ARGUMENT", "timeout is a whole number of milliseconds");
  }
  const signal = AbortSignal.timeout(Math.min(timeout ?? 10_000, 30_000));
  const named = body.service == null ? own : find(body.service);
  if (!named) throw refusal(404, "UNKNOWN_SERVICE", `Unknown service: ${body.service}`);
  guard.allow(caller, "rpc", method, named.key);
  if (named !== own) return relay(named, { method, params, timeout }, request, reply, signal);
  if (!Object.hasOwn(methods, method)) throw refusal(404, "METHOD_NOT_FOUND", `${own.name} has no method "${method}"`);
  const late = new Promise((_, reject) => {
    signal.onabort = () => reject(refusal(504, "DEADLINE_EXCEEDED", `${method} took longer than its deadline`));
  });
  const work = async () => methods[method].run(params ?? {}, { signal, caller });
  return { result: await Promise.race([late, work()]) };
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
  const shown = credential(env.SYSCALL_TOKEN, "operator", `rpc operator ${method}`);
  const headers = { "content-type": "application/json", "x-service-name": own.name, ...shown };
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
