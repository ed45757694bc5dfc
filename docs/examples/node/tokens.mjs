// Who may call: the fleet's tokens, checked and signed with node:crypto, by the rules that a service in Rust has from syscall-sdk.
//
// A token is a chain of JWTs. The root signed the first; each further one holds the one before as `parent`, is signed by the key that the
// one before names, and allows no more (docs/adr/0029). One with `act` is used in another's name, which takes the right to speak for them:
// so the gateway calls for who holds an API key, and a page for its reader (docs/adr/0035, 0036).
//
// What is not here: revocation. A token that was taken back is good until it ends.
import { createHash, createPrivateKey, createPublicKey, randomUUID, sign, verify } from "node:crypto";

const TOKEN_MAX_BYTES = 8_192;
const LINKS_MAX = 4;
const AUDIENCE_MAX = 64;
const NAME_MAX_BYTES = 200;
const CALL_LIFE_SECONDS = 300;
const DAY_SECONDS = 86_400;
// How far clocks may be apart.
const LEEWAY_SECONDS = 30;

// What stands before the methods of a service, by its key: `auth` is `open`, where nobody is asked for a token, or anything else.
export function gate(service, auth, rootKeys = "") {
  const roots = new Map(rootKeys.split(/[\s,]+/).filter(Boolean).map((x) => [thumbprint(x), publicKey(x)]));
  return {
    // Who calls: `subject`, and `by`, the service that speaks for them, if one does. Null where nobody is asked.
    admit(authorization) {
      if (auth === "open") return null;
      if (!authorization) throw refused(401, "UNAUTHENTICATED", "this needs a token; show it as Authorization: Bearer");
      let caller;
      try {
        caller = chain(/^bearer +(\S+)$/i.exec(authorization.trim())[1], roots, LINKS_MAX);
      } catch (error) {
        // What is wrong with a token that no root vouches for is not told apart.
        throw error.code === "TOKEN_EXPIRED" ? error : refused(401, "TOKEN_INVALID", "the token is not valid here");
      }
      if (caller.holder) throw refused(401, "TOKEN_INVALID", "this token names a key and is no credential by itself");
      if (!names(caller.audience, service)) throw refused(401, "TOKEN_AUDIENCE", `the token is for other services than ${service}`);
      return caller;
    },
    // Asks for a right by its words, such as `rpc`, here or at another service, to one name or to all.
    allow(caller, word, name = null, at = service) {
      const need = { word, at, name: name ?? "", isPrefix: name === null };
      if (caller === null || (names(caller.audience, at) && may(caller.rights, need))) return;
      const right = word === "rpc" ? `rpc ${at} ${name}` : word;
      const message = `this needs the right \`${right}\`, which the token of ${caller.subject} does not have`;
      throw Object.assign(refused(403, "FORBIDDEN", message), { details: { right } });
    },
  };
}

// What a service shows to another: what it holds, narrowed to one service and one right for five minutes. `held` is SYSCALL_TOKEN: a token,
// a dot and the seed of the private key that the token names.
export function credential(held, callee, right) {
  const text = held?.trim();
  if (!text) return {};
  const at = text.lastIndexOf(".");
  const [parent, seed] = [text.slice(0, at), bytes(text.slice(at + 1))];
  const { sub, exp } = JSON.parse(bytes(parent.split(".")[1]));
  const iat = now();
  const claims = { iss: sub, sub, aud: callee, iat, exp: Math.min(exp, iat + CALL_LIFE_SECONDS), jti: randomUUID(), cap: [right], parent, call: true };
  const signed = [{ alg: "EdDSA", typ: "JWT" }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
  const pkcs8 = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]);
  const key = createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" });
  return { authorization: `Bearer ${signed}.${sign(null, Buffer.from(signed), key).toString("base64url")}` };
}

// A name is one line of a log, and "user/" is nobody's.
const isName = (text) => text !== "" && Buffer.byteLength(text) <= NAME_MAX_BYTES && !text.endsWith("/") && !/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u.test(text);

// What a chain comes to, checked from the root on; throws where a link is not good.
function chain(token, roots, left) {
  must(left > 0 && token.length <= TOKEN_MAX_BYTES);
  const parts = token.split(".");
  must(parts.length === 3);
  const [header, claims] = [JSON.parse(bytes(parts[0])), JSON.parse(bytes(parts[1]))];
  const parent = claims.parent == null ? null : chain(claims.parent, roots, left - 1);
  // The key is one that is trusted already; the header's algorithm is compared and never followed, and nothing critical in it is known here.
  const key = parent ? parent.holder : roots.get(header.kid);
  must(key && header.alg === "EdDSA" && header.typ === "JWT" && header.crit == null);
  must(verify(null, Buffer.from(`${parts[0]}.${parts[1]}`), key, bytes(parts[2])));

  const { iss, sub, jti, cap, cnf, act, exp, iat, nbf, call } = claims;
  const audience = [claims.aud].flat();
  must(Array.isArray(cap) && [iss, sub, jti, ...audience, ...cap].every((text) => typeof text === "string"));
  must(call === undefined || typeof call === "boolean");
  must([exp, iat, nbf ?? 0].every((moment) => Number.isSafeInteger(moment) && moment >= 0));
  if (parent) {
    must(iss === parent.subject && exp <= parent.exp && iat + LEEWAY_SECONDS >= parent.iat);
  } else {
    must(iss === "blackroad:root" && act == null && exp - iat <= (cnf == null ? 366 : 30) * DAY_SECONDS);
  }
  if (exp + LEEWAY_SECONDS <= now()) throw refused(401, "TOKEN_EXPIRED", "the token has ended; show a new one");
  must(Math.max(iat, nbf ?? 0) <= now() + LEEWAY_SECONDS && exp > iat);
  must(isName(sub) && isName(jti) && audience.length <= AUDIENCE_MAX);

  const rights = cap.map(right);
  if (parent) {
    must(audience.every((at) => names(parent.audience, at)));
    must(rights.every((each) => may(parent.rights, each)));
    // In one's own name, or in that of another: of one whom the parent may speak for wherever the link is good, and who speaks for nobody
    // in turn. Nobody speaks for a service.
    const speaks = () =>
      parent.by === null &&
      act.sub === parent.subject &&
      !sub.startsWith("service:") &&
      audience.every((at) => may(parent.rights, { word: "speak", at, name: sub, isPrefix: false }));
    must(act == null ? sub === parent.subject : speaks());
  }
  return {
    subject: sub,
    by: act?.sub ?? parent?.by ?? null,
    audience,
    rights,
    iat: parent?.iat ?? iat,
    exp,
    holder: cnf == null ? null : holder(cnf.jwk),
  };
}

function holder(jwk) {
  must(jwk.kty === "OKP" && jwk.crv === "Ed25519");
  return publicKey(jwk.x);
}

// A right, `{facility}[@{service}] {verb} {pattern}`, in parts (docs/reference/rights.md). `at` is null where it is good everywhere, and
// `isPrefix` says that it is for all names that start with `name`. A word that is not known here is no fault: nothing here asks for it.
function right(text) {
  const [head, ...rest] = text.split(" ");
  let [facility, at = null] = head.split(/@(.*)/s);
  if (facility === "rpc" && at === null) {
    // It names its service before the method.
    const service = rest.shift() ?? "";
    at = service === "*" ? null : service;
  }
  const hasVerb = !["rpc", "speak", "admin"].includes(facility);
  const word = hasVerb ? `${facility} ${rest.shift() ?? ""}` : facility;
  const pattern = rest.join(" ");
  must(/^[a-z]+( [a-z]+)?$/.test(word) && (word !== "admin" || pattern === ""));
  must(at === null || /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/.test(at));
  const isFolder = facility === "state" && /[/:]$/.test(pattern);
  return { word, at, name: pattern.replace(/\*$/, ""), isPrefix: pattern === "" || pattern.endsWith("*") || isFolder };
}

// Whether one of some rights allows all that another one does.
function may(rights, asked) {
  return rights.some((own) => {
    const named = own.isPrefix ? asked.name.startsWith(own.name) : !asked.isPrefix && own.name === asked.name;
    return (own.at === null || own.at === asked.at) && (own.word === "admin" || (own.word === asked.word && named));
  });
}

const names = (audience, service) => audience.some((name) => name === "*" || name === service);
const now = () => Math.floor(Date.now() / 1_000);
const thumbprint = (x) => createHash("sha256").update(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`).digest("base64url");
const refused = (status, code, message) => Object.assign(new Error(message), { status, code, origin: "kernel" });

function publicKey(x) {
  must(bytes(x).length === 32);
  return createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
}

// base64url, which Node reads leniently: here bytes have one text alone.
function bytes(text) {
  const read = Buffer.from(text, "base64url");
  must(read.toString("base64url") === text);
  return read;
}

function must(holds) {
  if (!holds) throw new Error("a rule of tokens does not hold");
}
