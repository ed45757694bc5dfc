//! What a service is told by its environment: parsed from a lookup that the caller gives, to domain types, with every fault in one message.
//!
//! Only [`crate::host`] reads the process's environment; everything here is a function of a map.

mod live;
mod parse;
mod reload;
mod secret;
mod variables;

use std::fmt;
use std::path::PathBuf;

pub use live::{Live, Told};
pub use parse::{kept_max, parse};
pub use reload::{AT_START, Change, LIVE, change};
pub use secret::Secret;
pub use variables::Variables;

use crate::wire::LogLevel;

/// Everything that is wrong with the environment, for one message and exit code 78.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(Vec<String>);

impl Problems {
    /// Adds a fault: which variable, what it holds, what it should.
    pub fn push(&mut self, problem: impl Into<String>) {
        self.0.push(problem.into());
    }

    /// Whether anything is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each fault.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the environment has {} fault{}:",
            self.0.len(),
            if self.0.len() == 1 { "" } else { "s" }
        )?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  - {problem}"))
    }
}

impl std::error::Error for Problems {}

/// Where this runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Environment {
    /// The public fleet.
    Production,
    /// A laptop; binds loopback, asks nobody for a credential.
    #[default]
    Development,
    /// A rehearsal, and every pull request's environment.
    Staging,
    /// Automatic tests.
    Test,
}

impl Environment {
    /// All of them.
    pub const ALL: [Environment; 4] = [
        Environment::Production,
        Environment::Development,
        Environment::Staging,
        Environment::Test,
    ];

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Environment::Production => "production",
            Environment::Development => "development",
            Environment::Staging => "staging",
            Environment::Test => "test",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|environment| environment.as_str() == text)
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Who is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthMode {
    /// Every route asks for what it declares.
    Required,
    /// Nobody is asked: the default in development, and there only.
    Open,
}

/// Whose forwarded headers are believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TrustEdge {
    /// Nobody's.
    #[default]
    None,
    /// Cloudflare's.
    Cloudflare,
    /// Railway's.
    Railway,
}

/// A public way to a service, for when the private network has nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// Through Railway's edge.
    Railway,
    /// Through Cloudflare.
    Cloudflare,
}

/// Where what must last is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreChoice {
    /// Nowhere: `AMNESIA=true`.
    Memory,
    /// One SQLite file in this directory.
    Embedded {
        /// `DATA_DIR`.
        directory: PathBuf,
        /// Whether it was said, or is the default: in production a container's own disk forgets.
        given: bool,
    },
    /// A PostgreSQL database.
    Postgres(Secret),
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Pretty,
}

/// Bytes that a service keeps of what ages: past a bound the oldest go, however young they are.
///
/// A row counts for its texts and 128 bytes. The defaults are what the bounds by count come to where a row weighs half a kibibyte, or
/// two thirds of one for a change and an ended job: who writes small rows meets the counts first, and nobody's store grows past a gigabyte of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptMax {
    /// `EVENTS_MAX_BYTES`; 512 MiB unless said.
    pub events: u64,
    /// `CHANGES_MAX_BYTES`: changes of state, for watches to resume in; 128 MiB unless said.
    pub changes: u64,
    /// `JOBS_MAX_BYTES`: ended jobs with their attempts; 256 MiB unless said.
    pub jobs: u64,
}

impl KeptMax {
    /// What holds where nothing is said.
    pub const DEFAULT: KeptMax = KeptMax {
        events: 512 * MIB,
        changes: 128 * MIB,
        jobs: 256 * MIB,
    };
    /// The least that can be said, 16 MiB: sixteen of the largest values, so that a reader who follows has them before they go.
    pub const MIN: u64 = 16 * MIB;
}

const MIB: u64 = 1024 * 1024;

/// Requests a minute, by what is asked for; none where nobody is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// `API_RATE`: at the gateway, of an address without a credential that is known.
    pub api: Option<u32>,
    /// `KEY_RATE`: at the gateway, of a person, a client or an API key.
    pub key: Option<u32>,
    /// `AUTH_RATE`: of an address, for sign-ins and tokens.
    pub auth: Option<u32>,
    /// `PAGE_RATE`: of an address, for pages.
    pub page: Option<u32>,
}

/// Which families of syscalls are on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Features {
    /// `ENABLE_RPC`.
    pub rpc: bool,
    /// `ENABLE_EVENTS`.
    pub events: bool,
    /// `ENABLE_JOBS`.
    pub jobs: bool,
    /// `ENABLE_STATE`.
    pub state: bool,
}

/// What the platform says of this process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Platform {
    /// `RAILWAY_STATIC_URL`: the public host.
    pub static_url: Option<String>,
    /// `RAILWAY_PUBLIC_DOMAIN`.
    pub public_domain: Option<String>,
    /// `RAILWAY_PRIVATE_DOMAIN`.
    pub private_domain: Option<String>,
    /// `RAILWAY_REPLICA_ID`.
    pub replica_id: Option<String>,
    /// `RAILWAY_DEPLOYMENT_ID`.
    pub deployment_id: Option<String>,
    /// `RAILWAY_GIT_COMMIT_SHA`, or else `BUILD_COMMIT`.
    pub commit: Option<String>,
    /// `BUILD_TIME`.
    pub build_time: Option<String>,
    /// `RAILWAY_DEPLOYMENT_DRAINING_SECONDS`.
    pub draining_seconds: Option<u64>,
    /// Whether any of Railway's variables is there.
    pub railway: bool,
}

/// Everything that the environment says to one service.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// `ENVIRONMENT`.
    pub environment: Environment,
    /// `PORT`, where it was given.
    pub port: Option<u16>,
    /// `VERSION`, where it was given.
    pub version: Option<String>,
    /// `SYSCALL_AUTH`.
    pub auth: AuthMode,
    /// `SYSCALL_TOKEN`: the service's own credential.
    pub token: Option<Secret>,
    /// `SYSCALL_ROOT_KEYS`: the public root keys whose tokens are good, in base64url, separated by commas.
    pub root_keys: Option<String>,
    /// `TRUST_EDGE`.
    pub trust_edge: TrustEdge,
    /// `CALLER_RATE`: requests a second that one caller has; none where callers are not counted.
    pub caller_rate: Option<u32>,
    /// `API_RATE`, `KEY_RATE`, `AUTH_RATE`, `PAGE_RATE`.
    pub rates: Rates,
    /// `ALLOWED_ORIGINS`: CORS origins, comma-separated.
    pub allowed_origins: Vec<String>,
    /// `AMNESIA`, `DATABASE_URL` and `DATA_DIR`.
    pub store: StoreChoice,
    /// `EVENTS_MAX_BYTES`, `CHANGES_MAX_BYTES` and `JOBS_MAX_BYTES`.
    pub kept_max: KeptMax,
    /// `LOG_LEVEL`.
    pub log_level: LogLevel,
    /// `LOG_FORMAT`; by whether standard output is a terminal where not given.
    pub log_format: Option<LogFormat>,
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub otlp_endpoint: Option<String>,
    /// `RPC_FALLBACK`: the public ways that a call may take when nobody is there on the private network, in order.
    pub fallback: Vec<Fallback>,
    /// `ENABLE_*`.
    pub features: Features,
    /// `RAILWAY_*`.
    pub platform: Platform,
    /// `SYSCALL_SOCKETS`: a directory in which every service of the fleet listens on `{key}.sock`; set by `up --processes`.
    pub sockets: Option<PathBuf>,
}

impl Settings {
    /// The scheme by which browsers come, where it is known: an edge that is trusted takes TLS alone, and beyond development cookies are
    /// given to nobody who came without.
    pub fn scheme(&self) -> Option<&'static str> {
        let plain = self.trust_edge == TrustEdge::None && self.environment == Environment::Development;
        (!plain).then_some("https")
    }
}

/// What the environment may say, as text; `envy` fills it, [`parse()`] reads it.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(crate) struct Raw {
    pub(crate) service_name: Option<String>,
    pub(crate) service_role: Option<String>,
    pub(crate) environment: Option<String>,
    pub(crate) port: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) syscall_auth: Option<String>,
    pub(crate) syscall_token: Option<Secret>,
    pub(crate) syscall_root_keys: Option<String>,
    pub(crate) syscall_sockets: Option<String>,
    pub(crate) trust_edge: Option<String>,
    pub(crate) caller_rate: Option<String>,
    pub(crate) api_rate: Option<String>,
    pub(crate) key_rate: Option<String>,
    pub(crate) auth_rate: Option<String>,
    pub(crate) page_rate: Option<String>,
    pub(crate) allowed_origins: Option<String>,
    pub(crate) amnesia: Option<String>,
    pub(crate) database_url: Option<Secret>,
    pub(crate) data_dir: Option<String>,
    pub(crate) events_max_bytes: Option<String>,
    pub(crate) changes_max_bytes: Option<String>,
    pub(crate) jobs_max_bytes: Option<String>,
    pub(crate) log_level: Option<String>,
    pub(crate) log_format: Option<String>,
    pub(crate) otel_exporter_otlp_endpoint: Option<String>,
    pub(crate) rpc_fallback: Option<String>,
    pub(crate) enable_rpc: Option<String>,
    pub(crate) enable_events: Option<String>,
    pub(crate) enable_jobs: Option<String>,
    pub(crate) enable_state: Option<String>,
    pub(crate) railway_static_url: Option<String>,
    pub(crate) railway_public_domain: Option<String>,
    pub(crate) railway_private_domain: Option<String>,
    pub(crate) railway_environment: Option<String>,
    pub(crate) railway_environment_name: Option<String>,
    pub(crate) railway_replica_id: Option<String>,
    pub(crate) railway_deployment_id: Option<String>,
    pub(crate) railway_git_commit_sha: Option<String>,
    pub(crate) build_commit: Option<String>,
    pub(crate) build_time: Option<String>,
    pub(crate) railway_deployment_draining_seconds: Option<String>,
}

#[cfg(test)]
mod tests;
