use std::path::PathBuf;

use super::{
    AuthMode, Environment, Fallback, Features, KeptMax, LogFormat, Platform, Problems, Rates, Raw, Settings,
    StoreChoice, TrustEdge, Variables,
};
use crate::policy::{API_RATE, AUTH_RATE, CALLER_RATE, KEY_RATE, PAGE_RATE};
use crate::wire::LogLevel;

/// Reads the environment of the service that is registered as `key`, `name` and `role`.
///
/// # Errors
/// Every variable that is wrong, each with what it holds and what it should.
pub fn parse(variables: &Variables, key: &str, name: &str, role: &str) -> Result<Settings, Problems> {
    let raw = raw(variables)?;
    let mut read = Reader {
        problems: Problems::default(),
    };

    // Each binary knows its own name; a wrong one means that the wrong image or the wrong variables were deployed.
    if let Some(said) = &raw.service_name
        && said != name
        && said != key
    {
        read.wrong(format!(
            "SERVICE_NAME is {said:?}, but this binary is {name:?}; deploy the other image or drop the variable"
        ));
    }
    if let Some(said) = &raw.service_role
        && said != role
    {
        read.wrong(format!(
            "SERVICE_ROLE is {said:?}, but the registry says that {name} is {role:?}"
        ));
    }

    let environment = read.environment(&raw);
    let production = environment == Environment::Production;
    let kept_max = read.kept_max(&raw);
    let railway = raw.railway_environment.is_some()
        || raw.railway_environment_name.is_some()
        || raw.railway_private_domain.is_some();
    // The platform may have an environment called development: anybody reaches it.
    let laptop = environment == Environment::Development && !railway;
    let auth = match raw.syscall_auth.as_deref() {
        None if laptop => AuthMode::Open,
        None | Some("required") => AuthMode::Required,
        Some("open") => AuthMode::Open,
        Some(other) => {
            read.wrong(format!("SYSCALL_AUTH is {other:?}; it is \"required\" or \"open\""));
            AuthMode::Required
        }
    };
    let amnesia = read.switch("AMNESIA", raw.amnesia.as_deref(), false);
    if let Some(url) = &raw.database_url
        && !url.reveal().starts_with("postgres://")
        && !url.reveal().starts_with("postgresql://")
    {
        read.wrong("DATABASE_URL does not start with postgres://; unset it to keep everything in DATA_DIR");
    }
    let store = match (amnesia, raw.database_url, raw.data_dir) {
        (true, _, _) => StoreChoice::Memory,
        (false, Some(url), _) => StoreChoice::Postgres(url),
        (false, None, directory) => StoreChoice::Embedded {
            given: directory.is_some(),
            directory: PathBuf::from(directory.unwrap_or_else(|| "./data".to_owned())),
        },
    };

    let settings = Settings {
        environment,
        port: read.number(
            "PORT",
            raw.port.as_deref(),
            "a port from 0 to 65535, 0 for any free one",
        ),
        version: raw.version,
        auth,
        token: raw.syscall_token,
        root_keys: raw.syscall_root_keys,
        trust_edge: match raw.trust_edge.as_deref() {
            None | Some("none") => TrustEdge::None,
            Some("cloudflare") => TrustEdge::Cloudflare,
            Some("railway") => TrustEdge::Railway,
            Some(other) => {
                read.wrong(format!(
                    "TRUST_EDGE is {other:?}; it is \"cloudflare\", \"railway\" or \"none\""
                ));
                TrustEdge::None
            }
        },
        caller_rate: read.caller_rate(raw.caller_rate.as_deref(), laptop),
        rates: Rates {
            api: read.rate("API_RATE", raw.api_rate.as_deref(), API_RATE, auth),
            key: read.rate("KEY_RATE", raw.key_rate.as_deref(), KEY_RATE, auth),
            auth: read.rate("AUTH_RATE", raw.auth_rate.as_deref(), AUTH_RATE, auth),
            page: read.rate("PAGE_RATE", raw.page_rate.as_deref(), PAGE_RATE, auth),
        },
        allowed_origins: read.origins(raw.allowed_origins.as_deref()),
        store,
        kept_max,
        log_level: match raw.log_level.as_deref() {
            None => LogLevel::Info,
            Some("trace") => LogLevel::Debug,
            Some(word) => word.parse().unwrap_or_else(|_| {
                read.wrong(format!(
                    "LOG_LEVEL is {word:?}; it is trace, debug, info, warn, error or fatal"
                ));
                LogLevel::Info
            }),
        },
        log_format: raw.log_format.as_deref().and_then(|word| match word {
            "json" => Some(LogFormat::Json),
            "pretty" => Some(LogFormat::Pretty),
            other => {
                read.wrong(format!("LOG_FORMAT is {other:?}; it is \"json\" or \"pretty\""));
                None
            }
        }),
        otlp_endpoint: raw.otel_exporter_otlp_endpoint.filter(|url| {
            let fits = url.starts_with("http://") || url.starts_with("https://");
            if !fits {
                read.wrong(format!(
                    "OTEL_EXPORTER_OTLP_ENDPOINT is {url:?}; it is an http:// or https:// URL"
                ));
            }
            fits
        }),
        fallback: read.fallback(raw.rpc_fallback.as_deref(), production),
        features: Features {
            rpc: read.switch("ENABLE_RPC", raw.enable_rpc.as_deref(), true),
            events: read.switch("ENABLE_EVENTS", raw.enable_events.as_deref(), true),
            jobs: read.switch("ENABLE_JOBS", raw.enable_jobs.as_deref(), true),
            state: read.switch("ENABLE_STATE", raw.enable_state.as_deref(), true),
        },
        platform: Platform {
            railway,
            static_url: raw.railway_static_url,
            public_domain: raw.railway_public_domain,
            private_domain: raw.railway_private_domain,
            replica_id: raw.railway_replica_id,
            deployment_id: raw.railway_deployment_id,
            commit: raw.railway_git_commit_sha.or(raw.build_commit),
            build_time: raw.build_time,
            draining_seconds: read.number(
                "RAILWAY_DEPLOYMENT_DRAINING_SECONDS",
                raw.railway_deployment_draining_seconds.as_deref(),
                "a whole number of seconds",
            ),
        },
        sockets: raw.syscall_sockets.map(PathBuf::from),
    };
    if production && matches!(settings.store, StoreChoice::Embedded { given: false, .. }) {
        read.wrong(
            "neither DATABASE_URL nor DATA_DIR is set: a container's own disk forgets at the next deploy; set DATABASE_URL to a \
             PostgreSQL database, DATA_DIR to a mounted volume, or AMNESIA=true to keep nothing on purpose",
        );
    }
    if read.problems.is_empty() {
        Ok(settings)
    } else {
        Err(read.problems)
    }
}

/// Reads how many bytes a service keeps of what ages, and nothing else.
///
/// # Errors
/// As [`parse`].
pub fn kept_max(variables: &Variables) -> Result<KeptMax, Problems> {
    let mut read = Reader {
        problems: Problems::default(),
    };
    let most = read.kept_max(&raw(variables)?);
    if read.problems.is_empty() {
        Ok(most)
    } else {
        Err(read.problems)
    }
}

fn raw(variables: &Variables) -> Result<Raw, Problems> {
    let given = variables
        .iter()
        .map(|(variable, value)| (variable.clone(), value.trim().to_owned()))
        .filter(|(_, value)| !value.is_empty());
    envy::from_iter(given).map_err(|error| {
        let mut problems = Problems::default();
        problems.push(error.to_string());
        problems
    })
}

struct Reader {
    problems: Problems,
}

impl Reader {
    fn wrong(&mut self, problem: impl Into<String>) {
        self.problems.push(problem);
    }

    fn fallback(&mut self, said: Option<&str>, production: bool) -> Vec<Fallback> {
        let Some(said) = said else {
            // Elsewhere the public names are those of production, or of nobody.
            return if production {
                vec![Fallback::Railway, Fallback::Cloudflare]
            } else {
                Vec::new()
            };
        };
        let mut ways = Vec::new();
        for word in said
            .split(',')
            .map(str::trim)
            .filter(|word| !matches!(*word, "" | "none"))
        {
            match word {
                "railway" => ways.push(Fallback::Railway),
                "cloudflare" => ways.push(Fallback::Cloudflare),
                other => self.wrong(format!(
                    "RPC_FALLBACK names {other:?}; it is \"railway\", \"cloudflare\", both with a comma, or \"none\""
                )),
            }
        }
        ways
    }

    fn environment(&mut self, raw: &Raw) -> Environment {
        if let Some(said) = &raw.environment {
            return Environment::parse(said).unwrap_or_else(|| {
                self.wrong(format!(
                    "ENVIRONMENT is {said:?}; it is production, development, staging or test"
                ));
                Environment::Staging
            });
        }
        match raw
            .railway_environment_name
            .as_deref()
            .or(raw.railway_environment.as_deref())
        {
            // The platform makes up names for pull requests' environments; none of them is the public fleet.
            Some(platform) => Environment::parse(platform).unwrap_or(Environment::Staging),
            None => Environment::Development,
        }
    }

    /// On a laptop nobody else can reach the service, and whoever measures it there asks for more than a caller has.
    fn caller_rate(&mut self, said: Option<&str>, laptop: bool) -> Option<u32> {
        let what = "requests a second of one caller, or 0 to count nobody";
        let default = if laptop { 0 } else { CALLER_RATE };
        let rate = self.number("CALLER_RATE", said, what).unwrap_or(default);
        (rate > 0).then_some(rate)
    }

    /// Where nobody is asked for a credential everybody is one address, such as this machine's own.
    fn rate(&mut self, variable: &str, said: Option<&str>, default: u32, auth: AuthMode) -> Option<u32> {
        let default = if auth == AuthMode::Open { 0 } else { default };
        let what = "requests a minute of one caller, or 0 to count nobody";
        let rate = self.number(variable, said, what).unwrap_or(default);
        (rate > 0).then_some(rate)
    }

    fn switch(&mut self, variable: &str, said: Option<&str>, default: bool) -> bool {
        match said {
            None => default,
            Some("true" | "1" | "yes" | "on") => true,
            Some("false" | "0" | "no" | "off") => false,
            Some(other) => {
                self.wrong(format!("{variable} is {other:?}; it is \"true\" or \"false\""));
                default
            }
        }
    }

    fn kept_max(&mut self, raw: &Raw) -> KeptMax {
        let mut bytes = |variable: &str, said: Option<&str>, default| {
            let what = "a whole number of bytes, 16777216 (16 MiB) at least";
            match self.number(variable, said, what) {
                Some(bytes) if bytes < KeptMax::MIN => {
                    self.wrong(format!("{variable} is \"{bytes}\"; it is {what}"));
                    default
                }
                said => said.unwrap_or(default),
            }
        };
        let default = KeptMax::DEFAULT;
        KeptMax {
            events: bytes("EVENTS_MAX_BYTES", raw.events_max_bytes.as_deref(), default.events),
            changes: bytes("CHANGES_MAX_BYTES", raw.changes_max_bytes.as_deref(), default.changes),
            jobs: bytes("JOBS_MAX_BYTES", raw.jobs_max_bytes.as_deref(), default.jobs),
        }
    }

    fn number<N: std::str::FromStr>(&mut self, variable: &str, said: Option<&str>, what: &str) -> Option<N> {
        let said = said?;
        let number = said.parse().ok();
        if number.is_none() {
            self.wrong(format!("{variable} is {said:?}; it is {what}"));
        }
        number
    }

    fn origins(&mut self, said: Option<&str>) -> Vec<String> {
        let list = said
            .unwrap_or_default()
            .split(',')
            .map(str::trim)
            .filter(|origin| !origin.is_empty());
        let origins: Vec<String> = list.map(str::to_owned).collect();
        for origin in &origins {
            let fits = origin == "*"
                || origin
                    .strip_prefix("https://")
                    .or_else(|| origin.strip_prefix("http://"))
                    .is_some_and(|host| !host.is_empty() && !host.contains('/'));
            if !fits {
                self.wrong(format!(
                    "ALLOWED_ORIGINS has {origin:?}; an origin is scheme and host, such as https://example.com, without a path"
                ));
            }
        }
        origins
    }
}
