// A service of the fleet in Node.js, with its standard library alone: level 2.0 of the syscall contract.
//
//   blackroad registry --json > registry.json
//   SERVICE_NAME=reports PORT=9000 node service.mjs
//
// With SYSCALL_ROOT_KEYS and SYSCALL_AUTH=required it asks its callers for tokens; with SYSCALL_TOKEN it shows its own.
import { createHash, createPrivateKey, createPublicKey, randomUUID, sign, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
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
const own = find(env.SERVICE_NAME) ?? stop(`SERVICE_NAME is ${env.SERVICE_NAME}, which the registry does not know`);
const port = Number(env.PORT ?? own.port);
const instance = randomUUID();
const begun = new Date();

const internal = (service) => `http://${service.name}.railway.internal:${service.port}`;
const found = (service) => env[`${service.key.toUpperCase().replaceAll("-", "_")}_INTERNAL_URL`] ?? internal(service);

function stop(reason) {
  console.error(reason);
  process.exit(78);
}

function refusal(status, code, message, origin = "kernel") {
  return Object.assign(new Error(message), { status, code, origin });
}

function identity() {
  const urls = ENVIRONMENT === "production" ? own.production : own.development;
  return {
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
  };
}

// The six that are public, ever.
const core = {
  "/health": () => ({ status: "healthy" }),
  "/version": () => ({ version: VERSION, service: own.name }),
  "/v1/sys/identity": identity,
  "/v1/sys/health": () => {
    const { rss, heapTotal, heapUsed, external } = process.memoryUsage();
    const memory = { rss, heapTotal, heapUsed, external };
    return { status: "healthy", timestamp: new Date().toISOString(), uptime: process.uptime(), memory, checks: {} };
  },
  "/v1/sys/version": () => ({
    version: VERSION,
    service: own.name,
    nodeVersion: process.version,
    environment: ENVIRONMENT,
    buildTime: begun.toISOString(),
  }),
  "/v1/sys/config": () => ({
    service: { name: own.name, role: own.role, version: VERSION, environment: ENVIRONMENT, port },
    features: { rpc: true, events: false, jobs: false, state: false },
  }),
};

// A call: here, or passed on to the service that it names.
async function rpc(request, text) {
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    throw refusal(400, "INVALID_JSON", "the body is not JSON");
  }
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw refusal(400, "INVALID_ARGUMENT", "the body is an object");
  }
  const { method, params, timeout, service } = body;
  if (typeof method !== "string" || method === "") throw refusal(400, "INVALID_ARGUMENT", "method is a text");
  if (timeout != null && !(timeout >= 0)) throw refusal(400, "INVALID_ARGUMENT", "timeout is a number of milliseconds");
  const signal = AbortSignal.timeout(Math.min(timeout ?? 10_000, 30_000));
  const named = service == null ? own : find(service);
  if (!named) throw refusal(404, "UNKNOWN_SERVICE", `Unknown service: ${service}`);
  if (named !== own) return relay(named, { method, params, timeout }, request, signal);
  allow(request, method);
  if (!Object.hasOwn(methods, method)) throw refusal(404, "METHOD_NOT_FOUND", `${own.name} has no method "${method}"`);
  const late = new Promise((_, reject) => {
    signal.onabort = () => reject(refusal(504, "DEADLINE_EXCEEDED", `${method} took longer than its deadline`));
  });
  const result = await Promise.race([late, Promise.resolve().then(() => methods[method](params ?? {}, signal))]);
  return { status: 200, body: { result } };
}

async function relay(service, body, request, signal) {
  // The caller's credential goes along, never this service's own.
  const headers = { "content-type": "application/json" };
  if (request.headers.authorization) headers.authorization = request.headers.authorization;
  try {
    const url = `${found(service)}/v1/sys/rpc`;
    const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(body), signal });
    return { status: answer.status, body: await answer.json() };
  } catch (error) {
    if (signal.aborted) throw refusal(504, "DEADLINE_EXCEEDED", `${service.name} did not answer in time`);
    throw refusal(503, "SERVICE_UNREACHABLE", `${service.name} cannot be reached: ${error.cause?.code ?? error.message}`);
  }
}

// Tokens: a chain of JWTs, the first signed by a root key and each further one by the key that the one before names (docs/adr/0029).
const roots = (env.SYSCALL_ROOT_KEYS ?? "").split(/[\s,]+/).filter(Boolean);
const guarded = (env.SYSCALL_AUTH ?? (ENVIRONMENT === "development" ? "open" : "required")) !== "open";
const read = (part) => JSON.parse(Buffer.from(part, "base64url").toString());
const write = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const thumbprint = (x) => createHash("sha256").update(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`).digest("base64url");
const now = () => Math.floor(Date.now() / 1_000);
const LEEWAY = 30;

// The claims of every link, the root's first; throws where one is not good.
function chain(token, left = 4) {
  if (left === 0 || token.length > 8_192) throw new Error("it is too long");
  const [head, said, signature] = token.split(".");
  const [header, claims] = [read(head), read(said)];
  const before = claims.parent === undefined ? [] : chain(claims.parent, left - 1);
  const parent = before.at(-1);
  const x = parent ? parent.cnf?.jwk.x : roots.find((root) => thumbprint(root) === header.kid);
  if (header.alg !== "EdDSA" || header.typ !== "JWT" || !x) throw new Error("nobody that is trusted signed it");
  const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
  if (!verify(null, Buffer.from(`${head}.${said}`), key, Buffer.from(signature, "base64url"))) {
    throw new Error("its signature is not good");
  }
  const continues = parent
    ? claims.iss === parent.sub && claims.sub === parent.sub && claims.exp <= parent.exp
    : claims.iss === "blackroad:root";
  if (!continues) throw new Error("a link does not follow from the one before");
  if (claims.exp + LEEWAY <= now() || claims.iat > now() + LEEWAY) throw new Error("it has ended, or not begun");
  return [...before, claims];
}

// Whether a right lets call a method here: `rpc reports total`, `rpc * tot*`, `admin`.
function covers(right, method) {
  if (right === "admin") return true;
  const [facility, service, pattern] = right.split(" ");
  const named = pattern === method || (pattern?.endsWith("*") && method.startsWith(pattern.slice(0, -1)));
  return facility === "rpc" && (service === "*" || service === own.key) && named;
}

function allow(request, method) {
  if (!guarded) return;
  const [scheme, token] = (request.headers.authorization ?? "").split(" ");
  if (scheme.toLowerCase() !== "bearer" || !token) throw refusal(401, "UNAUTHENTICATED", "this needs a token");
  let links;
  try {
    links = chain(token);
  } catch (error) {
    throw refusal(401, "TOKEN_INVALID", `the token is not good: ${error.message}`);
  }
  if (links.at(-1).cnf) throw refusal(401, "TOKEN_INVALID", "a token that names a key is no credential by itself");
  // What every link allows is what the chain allows.
  const here = ({ aud }) => [aud].flat().some((name) => name === "*" || name === own.key);
  if (!links.every(here)) throw refusal(401, "TOKEN_AUDIENCE", `the token is for other services than ${own.key}`);
  if (!links.every(({ cap }) => cap.some((right) => covers(right, method)))) {
    throw refusal(403, "FORBIDDEN", `the token does not allow rpc ${own.key} ${method}`);
  }
}

// What this service shows to another: its own token, narrowed to one service and one right for five minutes.
function credential(callee, right) {
  const text = env.SYSCALL_TOKEN?.trim();
  if (!text) return {};
  const at = text.lastIndexOf(".");
  const [parent, seed] = [text.slice(0, at), Buffer.from(text.slice(at + 1), "base64url")];
  const { sub, exp } = read(parent.split(".")[1]);
  const claims = { iss: sub, sub, aud: callee, iat: now(), exp: Math.min(exp, now() + 300), jti: randomUUID(), cap: [right], parent };
  const signed = `${write({ alg: "EdDSA", typ: "JWT" })}.${write(claims)}`;
  const key = createPrivateKey({
    key: Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]),
    format: "der",
    type: "pkcs8",
  });
  return { authorization: `Bearer ${signed}.${sign(null, Buffer.from(signed), key).toString("base64url")}` };
}

// The operator's roster: the fleet then knows this process, shows it and probes it.
async function tellOperator(method, params) {
  const operator = find("operator");
  if (!operator) return true;
  const headers = { "content-type": "application/json", "x-service-name": own.name, ...credential("operator", `rpc operator ${method}`) };
  const body = JSON.stringify({ method, params });
  const asked = fetch(`${found(operator)}/v1/sys/rpc`, { method: "POST", headers, body, signal: AbortSignal.timeout(2_000) });
  return asked.then((answer) => answer.ok, () => false);
}

async function announce() {
  const params = () => ({ identity: identity(), instance, url: env.OWN_URL });
  for (let wait = 250; !(await tellOperator("mesh.announce", params())); wait = Math.min(wait * 2, 30_000)) {
    await sleep(wait, undefined, { ref: false });
  }
}

async function answer(request) {
  const path = new URL(request.url, "http://service").pathname;
  const text = await bodyOf(request);
  const isGet = request.method === "GET" || request.method === "HEAD";
  if (isGet && Object.hasOwn(core, path)) return { status: 200, body: core[path]() };
  if (request.method === "POST" && path === "/v1/sys/rpc") return rpc(request, text);
  throw refusal(404, "ROUTE_NOT_FOUND", "there is nothing at this path");
}

async function bodyOf(request) {
  let size = 0;
  const parts = [];
  for await (const part of request) {
    size += part.length;
    if (size > 1_048_576) throw refusal(413, "BODY_TOO_LARGE", "a body is at most 1 MiB");
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}

const server = createServer(async (request, response) => {
  const headers = { "content-type": "application/json" };
  let { status, body } = await answer(request).catch((error) => {
    const known = error.status !== undefined;
    if (!known) console.error(error);
    headers["x-syscall-origin"] = error.origin ?? "handler";
    if (error.status === 401) headers["www-authenticate"] = "Bearer";
    if (error.status === 503) headers["retry-after"] = "1";
    const told = known ? { code: error.code, message: error.message } : { code: "INTERNAL", message: "something went wrong" };
    return { status: error.status ?? 500, body: { error: told } };
  });
  response.writeHead(status, headers).end(request.method === "HEAD" ? undefined : JSON.stringify(body));
});

// In development loopback alone; on a platform every address, IPv6 too.
server.listen(port, ENVIRONMENT === "development" ? "127.0.0.1" : "::", () => {
  console.log(JSON.stringify({ level: "info", message: "ready", service: own.name, port: server.address().port }));
  announce();
});

for (const signal of ["SIGTERM", "SIGINT"]) {
  process.once(signal, async () => {
    await tellOperator("mesh.signOff", { service: own.name, instance, reason: signal });
    server.close(() => process.exit(0));
    server.closeIdleConnections();
  });
}
