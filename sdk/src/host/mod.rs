//! Runs one service or many alike: reads the environment, boots each in a crash scope of its own, opens the doors, drains.
//!
//! A single service's `main` is one line, [`main`]; a fleet in one process is a [`Host`] with many mounts.

mod announce;
mod boot;
mod checks;
mod credentials;
mod crons;
mod deliveries;
mod denials;
mod drain;
mod environment;
mod flows;
mod front_door;
mod outside;
mod pipes;
mod probe;
mod reload;
mod retention;
mod running;
mod single;
mod stall;
mod start_error;
mod starting;
mod stores;
mod supervisor;
mod turned_away;
mod upkeep;
mod vitals;
mod words;

use std::collections::BTreeMap;
use std::sync::Arc;

use tracing::Span;

pub use drain::DrainBudget;
pub use environment::{Read, Sources, process_environment};
pub use front_door::{Door, front_door};
pub use reload::Reloaded;
pub use running::Running;
pub use single::{main, main_in, serve_one, stop_signal};
pub use start_error::StartError;
pub use starting::Starting;
pub use supervisor::{Standing, Status};

use crate::config::{self, Live, LogFormat, Problems, Secret, Settings, Variables};
use crate::lifecycle::Scope;
use crate::registry::Registry;
use crate::service::Service;
use crate::store::Store;
use crate::telemetry::{self, Format, Output};
use crate::transport::{Bound, ConnectionLimits, Listener, Switchboard};
use crate::wire::LogLevel;
use reload::{Mounted, Reloader};
use supervisor::Supervisor;

/// Exit code of a configuration that cannot be used (`EX_CONFIG` of sysexits.h).
pub const EXIT_CONFIG: u8 = 78;

/// Exit code of words on the command line that mean nothing (`EX_USAGE` of sysexits.h).
pub const EXIT_USAGE: u8 = 64;

/// Makes a service anew at every start of its crash scope.
pub type Make = Arc<dyn Fn() -> Service + Send + Sync>;

/// Puts another store before the one that a service would have.
pub(crate) type Wrap = Arc<dyn Fn(Arc<dyn Store>) -> Arc<dyn Store> + Send + Sync>;

/// What runs, and with what.
pub struct Host {
    registry: Registry,
    variables: Variables,
    mounts: Vec<(String, Make)>,
    output: Option<Output>,
    wrap: Option<Wrap>,
    tokens: BTreeMap<String, Secret>,
    limits: Option<ConnectionLimits>,
    sources: Option<Sources>,
}

impl Host {
    /// A host with the registry that ships, told by these variables.
    pub fn new(variables: Variables) -> Self {
        Host {
            registry: Registry::builtin(),
            variables,
            mounts: Vec::new(),
            output: None,
            wrap: None,
            tokens: BTreeMap::new(),
            limits: None,
            sources: None,
        }
    }

    /// The tokens of services, by key: where one process runs several, one `SYSCALL_TOKEN` cannot be that of each.
    #[must_use]
    pub fn tokens(mut self, tokens: BTreeMap<String, Secret>) -> Self {
        self.tokens = tokens;
        self
    }

    /// Puts a store, such as one that [fails as it is told](crate::store::fault), before that of every service.
    #[cfg(any(test, feature = "testing"))]
    #[must_use]
    pub fn wrap_stores(mut self, wrap: impl Fn(Arc<dyn Store>) -> Arc<dyn Store> + Send + Sync + 'static) -> Self {
        self.wrap = Some(Arc::new(wrap));
        self
    }

    /// Another registry.
    #[must_use]
    pub fn registry(mut self, registry: Registry) -> Self {
        self.registry = registry;
        self
    }

    /// What connections may take; as the [edge](ConnectionLimits::behind) in front asks for unless said.
    #[must_use]
    pub fn connection_limits(mut self, limits: ConnectionLimits) -> Self {
        self.limits = Some(limits);
        self
    }

    /// Where log lines go beside the rings; nowhere unless said.
    #[must_use]
    pub fn output(mut self, output: Output) -> Self {
        self.output = Some(output);
        self
    }

    /// Reads these again when one of their files changes, and when it is [told to](Running::reload). What was changed in the variables after
    /// they were read from there stays so.
    #[must_use]
    pub fn reload_from(mut self, sources: Sources) -> Self {
        self.sources = Some(sources);
        self
    }

    /// Runs a service.
    #[must_use]
    pub fn mount(mut self, make: impl Fn() -> Service + Send + Sync + 'static) -> Self {
        let key = make().key().to_owned();
        self.mounts.push((key, Arc::new(make)));
        self
    }

    /// Boots every service and opens the doors. Nothing is started where the environment is wrong or a door cannot be opened.
    ///
    /// # Errors
    /// Every fault of the environment, or what kept the host from starting.
    pub async fn start(self, doors: Vec<Door>) -> Result<Running, StartError> {
        self.begin(doors).await?.ready().await
    }

    /// The first half of [`Host::start`]: the doors are bound and every service boots, with standings that can be watched meanwhile.
    ///
    /// # Errors
    /// As [`Host::start`].
    pub async fn begin(self, doors: Vec<Door>) -> Result<Starting, StartError> {
        let (registry, settings) = self.check()?;
        let mut listeners = Vec::new();
        for door in doors {
            for bind in &door.binds {
                listeners.push((Listener::bind(bind).await?, door.clone()));
            }
        }

        telemetry::install(least_grave(&settings));
        let limits = self.limits.unwrap_or_else(|| {
            let edge = settings.first().map(|settings| settings.trust_edge);
            ConnectionLimits::behind(edge.unwrap_or_default())
        });
        let scope = Scope::new("host", Span::none());
        let switchboard = Switchboard::default();
        let databases = stores::Databases::new(&scope);
        let port = listeners.iter().find_map(|(listener, _)| match listener.bound() {
            Ok(Bound::Tcp(address)) => Some(address.port()),
            _ => None,
        });
        let (mut supervisors, mut mounts) = (Vec::new(), Vec::new());
        for ((key, make), settings) in self.mounts.iter().zip(settings) {
            let record = registry.get(key)?.clone();
            let live = Live::new(settings.clone(), self.variables.clone());
            mounts.push(Mounted {
                record: record.clone(),
                live: live.clone(),
                token: self.tokens.get(&record.key).cloned(),
            });
            let plan = boot::Plan {
                record,
                // Behind a unix socket it is the front door's port that callers know.
                port: port.or(settings.port),
                settings,
                live,
                registry: registry.clone(),
                switchboard: switchboard.clone(),
                output: self.output.clone(),
                make: Arc::clone(make),
                databases: databases.clone(),
                wrap: self.wrap.clone(),
            };
            supervisors.push(Supervisor::start(&scope, plan));
        }
        let neighbours = Supervisor::neighbours(&supervisors);
        let reloader = self
            .sources
            .map(|sources| Reloader::new(sources, registry.clone(), mounts, neighbours));
        Ok(Starting {
            listeners,
            running: Running {
                limits,
                reloader,
                scope,
                servers: Vec::new(),
                supervisors,
                switchboard,
                registry,
                output: self.output,
            },
        })
    }

    /// Checks every mount and its settings before anything is started: the registry with the environment's overrides, and what each
    /// service is told, in the order of the mounts.
    ///
    /// # Errors
    /// Every fault of the environment.
    pub fn check(&self) -> Result<(Registry, Vec<Settings>), StartError> {
        let mut problems = Problems::default();
        let registry = self.registry.with_overrides(&self.variables, &mut problems);
        let mut all = Vec::new();
        for (key, _) in &self.mounts {
            let record = registry.get(key)?;
            match config::parse(&self.variables, &record.key, &record.name, &record.role) {
                Ok(mut settings) => {
                    if let Some(token) = self.tokens.get(&record.key) {
                        settings.token = Some(token.clone());
                    }
                    stores::check(&settings, &mut problems);
                    credentials::check(record, &settings, &mut problems);
                    all.push(settings);
                }
                Err(found) => found.iter().for_each(|problem| {
                    // Nine services read the same variables; a fault of one is a fault of all, told once.
                    if !problems.iter().any(|known| known == problem) {
                        problems.push(problem);
                    }
                }),
            }
        }
        if problems.is_empty() {
            Ok((registry, all))
        } else {
            Err(StartError::Config(problems))
        }
    }

    /// These faults of the environment with those that [`Host::check`] finds, each told once.
    pub fn faults_beside(&self, mut faults: Problems) -> Problems {
        if let Err(StartError::Config(found)) = self.check() {
            found.iter().for_each(|problem| faults.push(problem));
        }
        faults
    }
}

/// The level at which lines of a process are kept: the least grave of its services'.
fn least_grave<'a>(settings: impl IntoIterator<Item = &'a Settings>) -> LogLevel {
    let levels = settings.into_iter().map(|settings| settings.log_level);
    levels.min().unwrap_or(LogLevel::Info)
}

/// How lines look on standard output: as `LOG_FORMAT` says, else for people where people read them.
pub fn output_format(settings: Option<&Settings>) -> Format {
    match settings.and_then(|settings| settings.log_format) {
        Some(LogFormat::Json) => Format::Json,
        Some(LogFormat::Pretty) => Format::Pretty,
        None if std::io::IsTerminal::is_terminal(&std::io::stdout()) => Format::Pretty,
        None => Format::Json,
    }
}
