// Rendered by `blackroad railway render` from registry.toml and the cargo graph: change those, and render again.
// `npm install --prefix railway`, then `railway config plan` shows what it would change; docs/how-to/deploy-to-railway.md.
import { defineRailway, github, postgres, preserve, project, service, volume } from "railway/iac";

/** Where a service listens on the private network. */
const at = (name: string) => `http://\${{${name}.RAILWAY_PRIVATE_DOMAIN}}:\${{${name}.PORT}}`;

type Variables = Record<string, string | ReturnType<typeof preserve>>;

export default defineRailway((ctx) => {
  // What this file does not name is deleted where it is applied: in another project that would be everything.
  if (ctx.projectId !== undefined && ctx.projectId !== "57687c3e-5e71-48b6-bc3e-c5b52aebdfc9") {
    throw new Error(`the fleet's project is 57687c3e-5e71-48b6-bc3e-c5b52aebdfc9, and this is ${ctx.projectId}: link the other one`);
  }
  // And in an environment that does not say its name, every service would lose its data.
  if (!ctx.environment) {
    throw new Error("no environment is linked: `railway environment NAME` links one");
  }
  const production = ctx.environment === "production";
  const staging = ctx.environment === "staging";
  const development = ctx.environment === "development";
  // Every other environment is a pull request's: it keeps nothing, and no secret is known there.
  const lasting = production || staging || development;

  const source = github("BlackRoad-OS/blackroad-os", { branch: "main", checkSuites: true });
  const database = postgres("postgres");
  const data = {
    "operator": volume("blackroad-os-operator-data"),
    "app": volume("blackroad-operating-system-data"),
    "console": volume("blackroad-os-prism-console-data"),
    "docs": volume("blackroad-os-docs-data"),
    "web": volume("blackroad-os-web-data"),
    "os": volume("blackroad-os-interface-data"),
    "root": volume("blackroad-os-root-data"),
  };
  const common: Variables = lasting
    ? {
        ENVIRONMENT: ctx.environment,
        SYSCALL_AUTH: "required",
        SYSCALL_ROOT_KEYS: preserve(),
        SYSCALL_TOKEN: preserve(),
      }
    : { ENVIRONMENT: "staging", SYSCALL_AUTH: "open", AMNESIA: "true" };
  const kept = (variables: Variables): Variables => (lasting ? variables : {});

  const services = [
    service("blackroad-os-operator-production", {
      source,
      build: {
        builder: "DOCKERFILE",
        dockerfilePath: "Dockerfile",
        watchPatterns: [
          "/.cargo/**",
          "/sdk/**",
          "!/sdk/benches/",
          "!/sdk/benches/**",
          "!/sdk/fault-vfs/",
          "!/sdk/fault-vfs/**",
          "!/sdk/fuzz/",
          "!/sdk/fuzz/**",
          "!/sdk/tests/",
          "!/sdk/tests/**",
          "/services/contracts/**",
          "/services/operator/**",
          "/.dockerignore",
          "/Cargo.lock",
          "/Cargo.toml",
          "/Dockerfile",
          "/registry.toml",
          "/rust-toolchain.toml",
        ],
      },
      healthcheck: "/health",
      healthcheckTimeout: 10,
      deploy: { restartPolicyType: "ALWAYS", overlapSeconds: 0, drainingSeconds: 15 },
      replicas: 1,
      networking: {
        privateNetworkEndpoint: "blackroad-os-operator",
        serviceDomains: production
          ? { "blackroad-os-operator-production-3983.up.railway.app": { port: 8001 } }
          : development
          ? { "blackroad-os-operator-dev.up.railway.app": { port: 8001 } }
          : undefined,
      },
      domains: production
        ? [
            { domain: "operator.blackroad.systems", port: 8001 },
          ]
        : undefined,
      tcp: production || development ? [8001] : undefined,
      volumeMounts: lasting ? { "/data": data["operator"] } : undefined,
      env: {
        ...common,
        API_INTERNAL_URL: at("blackroad-os-api-production"),
        APP_INTERNAL_URL: at("blackroad-operating-system-production"),
        CONSOLE_INTERNAL_URL: at("blackroad-os-prism-console-production"),
        CORE_INTERNAL_URL: at("blackroad-os-core-production"),
        DOCS_INTERNAL_URL: at("blackroad-os-docs-production"),
        OS_INTERNAL_URL: at("blackroad-os-interface-production"),
        PORT: "8001",
        ROOT_INTERNAL_URL: at("blackroad-os-root-production"),
        SERVICE: "blackroad-os-operator",
        TRUST_EDGE: production ? "cloudflare" : "railway",
        WEB_INTERNAL_URL: at("blackroad-os-web-production"),
        ...kept({
          DATA_DIR: "/data",
          RAILWAY_RUN_UID: "0",
          RAILWAY_TOKEN: preserve(),
        }),
      },
    }),
    service("blackroad-os-core-production", {
      source,
      build: {
        builder: "DOCKERFILE",
        dockerfilePath: "Dockerfile",
        watchPatterns: [
          "/.cargo/**",
          "/sdk/**",
          "!/sdk/benches/",
          "!/sdk/benches/**",
          "!/sdk/fault-vfs/",
          "!/sdk/fault-vfs/**",
          "!/sdk/fuzz/",
          "!/sdk/fuzz/**",
          "!/sdk/tests/",
          "!/sdk/tests/**",
          "/services/contracts/**",
          "/services/core/**",
          "!/services/core/tests/",
          "!/services/core/tests/**",
          "/.dockerignore",
          "/Cargo.lock",
          "/Cargo.toml",
          "/Dockerfile",
          "/registry.toml",
          "/rust-toolchain.toml",
        ],
      },
      healthcheck: "/health",
      healthcheckTimeout: 10,
      deploy: { restartPolicyType: "ALWAYS", overlapSeconds: 10, drainingSeconds: 15 },
      replicas: production ? 2 : 1,
      networking: {
        privateNetworkEndpoint: "blackroad-os-core",
        serviceDomains: production
          ? { "9gw4d0h2.up.railway.app": { port: 8000 } }
          : development
          ? { "blackroad-os-core-dev-19b6.up.railway.app": { port: 8000 } }
          : undefined,
      },
      domains: production
        ? [
            { domain: "core.blackroad.systems", port: 8000 },
          ]
        : undefined,
      tcp: production || development ? [8000] : undefined,
      env: {
        ...common,
        API_INTERNAL_URL: at("blackroad-os-api-production"),
        APP_INTERNAL_URL: at("blackroad-operating-system-production"),
        CONSOLE_INTERNAL_URL: at("blackroad-os-prism-console-production"),
        DOCS_INTERNAL_URL: at("blackroad-os-docs-production"),
        OPERATOR_INTERNAL_URL: at("blackroad-os-operator-production"),
        OS_INTERNAL_URL: at("blackroad-os-interface-production"),
        PORT: "8000",
        ROOT_INTERNAL_URL: at("blackroad-os-root-production"),
        SERVICE: "blackroad-os-core",
        TRUST_EDGE: production ? "cloudflare" : "railway",
        WEB_INTERNAL_URL: at("blackroad-os-web-production"),
        ...kept({
          DATABASE_URL: database.env.DATABASE_URL,
        }),
      },
    }),
    service("blackroad-os-api-production", {
      source,
      build: {
        builder: "DOCKERFILE",
        dockerfilePath: "Dockerfile",
        watchPatterns: [
          "/.cargo/**",
          "/sdk/**",
          "!/sdk/benches/",
          "!/sdk/benches/**",
          "!/sdk/fault-vfs/",
          "!/sdk/fault-vfs/**",
          "!/sdk/fuzz/",
          "!/sdk/fuzz/**",
          "!/sdk/tests/",
          "!/sdk/tests/**",
          "/services/api/**",
          "/services/contracts/**",
          "/.dockerignore",
          "/Cargo.lock",
          "/Cargo.toml",
          "/Dockerfile",
          "/registry.toml",
          "/rust-toolchain.toml",
        ],
      },
      healthcheck: "/health",
      healthcheckTimeout: 10,
      deploy: { restartPolicyType: "ALWAYS", overlapSeconds: 10, drainingSeconds: 15 },
      replicas: 1,
      networking: {
        privateNetworkEndpoint: "blackroad-os-api",
        serviceDomains: production
          ? { "ac7bx15h.up.railway.app": { port: 8000 } }
          : development
          ? { "blackroad-os-api-dev-ddcb.up.railway.app": { port: 8000 } }
          : undefined,
      },
      domains: production
        ? [
            { domain: "api.blackroad.io", port: 8000 },
            { domain: "api.blackroad.systems", port: 8000 },
          ]
        : undefined,
      env: {
        ...common,
        APP_INTERNAL_URL: at("blackroad-operating-system-production"),
        CONSOLE_INTERNAL_URL: at("blackroad-os-prism-console-production"),
        CORE_INTERNAL_URL: at("blackroad-os-core-production"),
        DOCS_INTERNAL_URL: at("blackroad-os-docs-production"),
        OPERATOR_INTERNAL_URL: at("blackroad-os-operator-production"),
        OS_INTERNAL_URL: at("blackroad-os-interface-production"),
        PORT: "8000",
        ROOT_INTERNAL_URL: at("blackroad-os-root-production"),
        SERVICE: "blackroad-os-api",
        TRUST_EDGE: production ? "cloudflare" : "railway",
        WEB_INTERNAL_URL: at("blackroad-os-web-production"),
        ...kept({
          DATABASE_URL: database.env.DATABASE_URL,
        }),
      },
    }),
    service("blackroad-operating-system-production", {
      source,
      build: {
        builder: "DOCKERFILE",
        dockerfilePath: "Dockerfile",
        watchPatterns: [
          "/.cargo/**",
          "/sdk/**",
          "!/sdk/benches/",
          "!/sdk/benches/**",
          "!/sdk/fault-vfs/",
          "!/sdk/fault-vfs/**",
          "!/sdk/fuzz/",
          "!/sdk/fuzz/**",
          "!/sdk/tests/",
          "!/sdk/tests/**",
          "/services/app/**",
          "/.dockerignore",
          "/Cargo.lock",
          "/Cargo.toml",
          "/Dockerfile",
          "/registry.toml",
          "/rust-toolchain.toml",
        ],
      },
      healthcheck: "/health",
      healthcheckTimeout: 10,
      deploy: { restartPolicyType: "ALWAYS", overlapSeconds: 0, drainingSeconds: 15 },
      replicas: 1,
      networking: {
        privateNetworkEndpoint: "blackroad-operating-system",
        serviceDomains: production
          ? { "blackroad-operating-system-production.up.railway.app": { port: 8000 } }
          : development
          ? { "blackroad-operating-system-dev.up.railway.app": { port: 8000 } }
          : undefined,
      },
      domains: production
        ? [
            { domain: "app.blackroad.io", port: 8000 },
            { domain: "app.blackroad.systems", port: 8000 },
            { domain: "blackroad.io", port: 8000 },
            { domain: "www.blackroad.io", port: 8000 },
          ]
        : undefined,
      tcp: production || development ? [8000] : undefined,
      volumeMounts: lasting ? { "/data": data["app"] } : undefined,
      env: {
        ...common,
        API_INTERNAL_URL: at("blackroad-os-api-production"),
        CORE_INTERNAL_URL: at("blackroad-os-core-production"),
        OPERATOR_INTERNAL_URL: at("blackroad-os-operator-production"),
        PORT: "8000",
        SERVICE: "blackroad-operating-system",
        TRUST_EDGE: production ? "cloudflare" : "railway",
        ...kept({
          DATA_DIR: "/data",
          RAILWAY_RUN_UID: "0",
        }),
      },
    }),
    service("blackroad-os-prism-console-production", {
      source,
      build: {
        builder: "DOCKERFILE",
        dockerfilePath: "Dockerfile",
        watchPatterns: [
          "/.cargo/**",
          "/sdk/**",
          "!/sdk/benches/",
          "!/sdk/benches/**",
          "!/sdk/fault-vfs/",
          "!/sdk/fault-vfs/**",
          "!/sdk/fuzz/",
          "!/sdk/fuzz/**",
          "!/sdk/tests/",
          "!/sdk/tests/**",
          "/services/console/**",
          "/.dockerignore",
          "/Cargo.lock",
          "/Cargo.toml",
          "/Dockerfile",
          "/registry.toml",
          "/rust-toolchain.toml",
        ],
      },
      healthcheck: "/health",
      healthcheckTimeout: 10,
      deploy: { restartPolicyType: "ALWAYS", overlapSeconds: 0, drainingSeconds: 15 },
      replicas: 1,
      networking: {
        privateNetworkEndpoint: "blackroad-os-prism-console",
        serviceDomains: production
          ? { "qqr1r4hd.up.railway.app": { port: 8000 } }
          : development
          ? { "blackroad-os-prism-console-dev.up.railway.app": { port: 8000 } }
          : undefined,
      },
      domains: production
        ? [
            { domain: "console.blackroad.systems", port: 8000 },
          ]
        : undefined,
      tcp: production || development ? [8000] : undefined,
      volumeMounts: lasting ? { "/data": data["console"] } : undefined,
      env: {
        ...common,
        API_INTERNAL_URL: at("blackroad-os-api-production"),
        APP_INTERNAL_URL: at("blackroad-operating-system-production"),
        CORE_INTERNAL_URL: at("blackroad-os-core-production"),
        DOCS_INTERNAL_URL: at("blackroad-os-docs-production"),
        OPERATOR_INTERNAL_URL: at("blackroad-os-operator-production"),
        OS_INTERNAL_URL: at("blackroad-os-interface-production"),
        PORT: "8000",
        ROOT_INTERNAL_URL: at("blackroad-os-root-production"),
        SERVICE: "blackroad-os-prism-console",
        TRUST_EDGE: production ? "cloudflare" : "railway",
        WEB_INTERNAL_URL: at("blackroad-os-web-production"),
        ...kept({
          DATA_DIR: "/data",
          RAILWAY_RUN_UID: "0",
        }),
      },
    }),
    service("blackroad-os-docs-production", {
      source,
      build: {
        builder: "DOCKERFILE",
        dockerfilePath: "Dockerfile",
        watchPatterns: [
          "/.cargo/**",
          "/docs/**",
          "/sdk/**",
          "!/sdk/benches/",
          "!/sdk/benches/**",
          "!/sdk/fault-vfs/",
          "!/sdk/fault-vfs/**",
          "!/sdk/fuzz/",
          "!/sdk/fuzz/**",
          "!/sdk/tests/",
          "!/sdk/tests/**",
          "/services/contracts/**",
          "/services/docs/**",
          "/.dockerignore",
          "/Cargo.lock",
          "/Cargo.toml",
          "/Dockerfile",
          "/registry.toml",
          "/rust-toolchain.toml",
        ],
      },
      healthcheck: "/health",
      healthcheckTimeout: 10,
      deploy: { restartPolicyType: "ALWAYS", overlapSeconds: 0, drainingSeconds: 15 },
      replicas: 1,
      networking: {
        privateNetworkEndpoint: "blackroad-os-docs",
        serviceDomains: production
          ? { "2izt9kog.up.railway.app": { port: 8000 } }
          : development
          ? { "blackroad-os-docs-dev.up.railway.app": { port: 8000 } }
          : undefined,
      },
      domains: production
        ? [
            { domain: "docs.blackroad.io", port: 8000 },
            { domain: "docs.blackroad.systems", port: 8000 },
          ]
        : undefined,
      volumeMounts: lasting ? { "/data": data["docs"] } : undefined,
      env: {
        ...common,
        OPERATOR_INTERNAL_URL: at("blackroad-os-operator-production"),
        PORT: "8000",
        SERVICE: "blackroad-os-docs",
        TRUST_EDGE: production ? "cloudflare" : "railway",
        ...kept({
          DATA_DIR: "/data",
          RAILWAY_RUN_UID: "0",
        }),
      },
    }),
    service("blackroad-os-web-production", {
      source,
      build: {
        builder: "DOCKERFILE",
        dockerfilePath: "Dockerfile",
        watchPatterns: [
          "/.cargo/**",
          "/sdk/**",
          "!/sdk/benches/",
          "!/sdk/benches/**",
          "!/sdk/fault-vfs/",
          "!/sdk/fault-vfs/**",
          "!/sdk/fuzz/",
          "!/sdk/fuzz/**",
          "!/sdk/tests/",
          "!/sdk/tests/**",
          "/services/contracts/**",
          "/services/web/**",
          "/.dockerignore",
          "/Cargo.lock",
          "/Cargo.toml",
          "/Dockerfile",
          "/registry.toml",
          "/rust-toolchain.toml",
        ],
      },
      healthcheck: "/health",
      healthcheckTimeout: 10,
      deploy: { restartPolicyType: "ALWAYS", overlapSeconds: 0, drainingSeconds: 15 },
      replicas: 1,
      networking: {
        privateNetworkEndpoint: "blackroad-os-web",
        serviceDomains: production
          ? { "blackroad-os-web-production-3bbb.up.railway.app": { port: 8000 } }
          : development
          ? { "blackroad-os-web-dev.up.railway.app": { port: 8000 } }
          : undefined,
      },
      domains: production
        ? [
            { domain: "web.blackroad.systems", port: 8000 },
          ]
        : undefined,
      tcp: production || development ? [8000] : undefined,
      volumeMounts: lasting ? { "/data": data["web"] } : undefined,
      env: {
        ...common,
        OPERATOR_INTERNAL_URL: at("blackroad-os-operator-production"),
        PORT: "8000",
        SERVICE: "blackroad-os-web",
        TRUST_EDGE: production ? "cloudflare" : "railway",
        ...kept({
          DATA_DIR: "/data",
          RAILWAY_RUN_UID: "0",
        }),
      },
    }),
    service("blackroad-os-interface-production", {
      source,
      build: {
        builder: "DOCKERFILE",
        dockerfilePath: "Dockerfile",
        watchPatterns: [
          "/.cargo/**",
          "/sdk/**",
          "!/sdk/benches/",
          "!/sdk/benches/**",
          "!/sdk/fault-vfs/",
          "!/sdk/fault-vfs/**",
          "!/sdk/fuzz/",
          "!/sdk/fuzz/**",
          "!/sdk/tests/",
          "!/sdk/tests/**",
          "/services/contracts/**",
          "/services/os/**",
          "/.dockerignore",
          "/Cargo.lock",
          "/Cargo.toml",
          "/Dockerfile",
          "/registry.toml",
          "/rust-toolchain.toml",
        ],
      },
      healthcheck: "/health",
      healthcheckTimeout: 10,
      deploy: { restartPolicyType: "ALWAYS", overlapSeconds: 0, drainingSeconds: 15 },
      replicas: 1,
      networking: {
        privateNetworkEndpoint: "blackroad-os-interface",
        serviceDomains: production
          ? { "vtrb1hrx.up.railway.app": { port: 8000 } }
          : development
          ? { "blackroad-os-interface-dev.up.railway.app": { port: 8000 } }
          : undefined,
      },
      domains: production
        ? [
            { domain: "os.blackroad.systems", port: 8000 },
          ]
        : undefined,
      volumeMounts: lasting ? { "/data": data["os"] } : undefined,
      env: {
        ...common,
        API_INTERNAL_URL: at("blackroad-os-api-production"),
        APP_INTERNAL_URL: at("blackroad-operating-system-production"),
        CONSOLE_INTERNAL_URL: at("blackroad-os-prism-console-production"),
        CORE_INTERNAL_URL: at("blackroad-os-core-production"),
        DOCS_INTERNAL_URL: at("blackroad-os-docs-production"),
        OPERATOR_INTERNAL_URL: at("blackroad-os-operator-production"),
        PORT: "8000",
        ROOT_INTERNAL_URL: at("blackroad-os-root-production"),
        SERVICE: "blackroad-os-interface",
        TRUST_EDGE: production ? "cloudflare" : "railway",
        WEB_INTERNAL_URL: at("blackroad-os-web-production"),
        ...kept({
          DATA_DIR: "/data",
          RAILWAY_RUN_UID: "0",
        }),
      },
    }),
    service("blackroad-os-root-production", {
      source,
      build: {
        builder: "DOCKERFILE",
        dockerfilePath: "Dockerfile",
        watchPatterns: [
          "/.cargo/**",
          "/sdk/**",
          "!/sdk/benches/",
          "!/sdk/benches/**",
          "!/sdk/fault-vfs/",
          "!/sdk/fault-vfs/**",
          "!/sdk/fuzz/",
          "!/sdk/fuzz/**",
          "!/sdk/tests/",
          "!/sdk/tests/**",
          "/services/contracts/**",
          "/services/root/**",
          "/.dockerignore",
          "/Cargo.lock",
          "/Cargo.toml",
          "/Dockerfile",
          "/registry.toml",
          "/rust-toolchain.toml",
        ],
      },
      healthcheck: "/health",
      healthcheckTimeout: 10,
      deploy: { restartPolicyType: "ALWAYS", overlapSeconds: 0, drainingSeconds: 15 },
      replicas: 1,
      networking: {
        privateNetworkEndpoint: "blackroad-os-root",
        serviceDomains: production
          ? { "kng9hpna.up.railway.app": { port: 8000 } }
          : development
          ? { "blackroad-os-root-dev.up.railway.app": { port: 8000 } }
          : undefined,
      },
      domains: production
        ? [
            { domain: "blackroad.systems", port: 8000 },
            { domain: "www.blackroad.systems", port: 8000 },
          ]
        : undefined,
      volumeMounts: lasting ? { "/data": data["root"] } : undefined,
      env: {
        ...common,
        OPERATOR_INTERNAL_URL: at("blackroad-os-operator-production"),
        PORT: "8000",
        SERVICE: "blackroad-os-root",
        TRUST_EDGE: production ? "cloudflare" : "railway",
        ...kept({
          DATA_DIR: "/data",
          RAILWAY_RUN_UID: "0",
        }),
      },
    }),
  ];

  return project(ctx.projectName ?? "blackroad-os", {
    resources: [...services, ...(lasting ? [database, ...Object.values(data)] : [])],
  });
});
