use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{Bus, Identify, PipeHandler, Roster, ServedMethod, ServedStream};
use crate::admission::Admission;
use crate::audit::{Denial, Denials};
use crate::auth::{Caller, Gate};
use crate::clock::Clock;
use crate::config::{Environment, Live, Settings};
use crate::events::Events;
use crate::health::Health;
use crate::jobs::Jobs;
use crate::lifecycle::Scope;
use crate::logs::Logs;
use crate::metrics::{Metrics, Traffic};
use crate::pipe::Room;
use crate::registry::{Registry, ServiceRecord, Way};
use crate::rpc::Client;
use crate::state::State;
use crate::store::Store;
use crate::subscription::Subscriptions;
use crate::telemetry::Recorder;
use crate::wire::{Dns, Identity, IdentityHealth, Runtime, Timestamp};
use crate::workflow::Flows;

/// Everything of one running service, put together by the host.
pub struct Kernel {
    /// What the registry says of it.
    pub record: ServiceRecord,
    /// What the environment said to this life when it began.
    pub settings: Settings,
    /// What the environment says now; one variable of it at a time is read by [`super::Context::secret`].
    pub live: Live,
    /// What was built.
    pub build: BuildInfo,
    /// This life of the process: fences what another life began.
    pub incarnation: String,
    /// The fleet.
    pub registry: Registry,
    /// Time.
    pub clock: Clock,
    /// Owns its tasks.
    pub scope: Scope,
    /// What must last.
    pub store: Arc<dyn Store>,
    /// Its lines and spans.
    pub recorder: Recorder,
    /// Its lines.
    pub logs: Logs,
    /// Its figures.
    pub metrics: Metrics,
    /// What it answers in all.
    pub traffic: Traffic,
    /// How much it takes at once.
    pub admission: Admission,
    /// The state that syscalls reach.
    pub state: State,
    /// Its event log.
    pub events: Events,
    /// Families of events that only its own code emits.
    pub own_events: Vec<&'static str>,
    /// Events between services, and groups of consumers.
    pub subscriptions: Subscriptions,
    /// Whether its log begins with this life.
    pub new_log: bool,
    /// Its jobs.
    pub jobs: Jobs,
    /// Its workflows.
    pub flows: Flows,
    /// How it is.
    pub health: Health,
    /// Who may call what.
    pub gate: Gate,
    /// Who is let in by something else than a token of the fleet's own, where the service has such callers.
    pub identify: Option<Arc<dyn Identify>>,
    /// Who was refused of late.
    pub denials: Denials,
    /// Who is up in the fleet, as pages show it.
    pub roster: Roster,
    /// Calls to other services.
    pub rpc: Client,
    /// Calls to the public network.
    pub http: reqwest::Client,
    /// What only this process cares about.
    pub bus: Bus,
    /// Its methods.
    pub methods: BTreeMap<&'static str, Arc<ServedMethod>>,
    /// Its methods that give a stream of results.
    pub stream_methods: BTreeMap<&'static str, Arc<ServedStream>>,
    /// Its pipes.
    pub pipes: BTreeMap<&'static str, PipeHandler>,
    /// How many pipes may be open at once, and are.
    pub pipe_room: Room,
    /// Where it stands between boot and exit.
    pub phase: watch::Sender<Phase>,
    /// Cancelled when streams should end, so that their readers come back to another process.
    pub streams: CancellationToken,
    /// The port listened on, once it is known.
    pub port: OnceLock<u16>,
}

/// Where a service stands between boot and exit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Not ready yet.
    Booting,
    /// Takes requests.
    Ready,
    /// Finishes what it has, and takes no more.
    Draining,
}

/// What was built.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BuildInfo {
    /// The version.
    pub version: String,
    /// The commit.
    pub commit: Option<String>,
    /// When.
    pub time: Option<String>,
    /// By which compiler.
    pub runtime: &'static str,
}

impl Kernel {
    /// Who this is, for who asks.
    pub fn identity(&self) -> Identity {
        let report = self.health.report();
        let uptime = self.health.uptime().as_secs_f64();
        Identity {
            service: self.record.name.clone(),
            role: self.record.role.clone(),
            version: self.build.version.clone(),
            environment: self.settings.environment.to_string(),
            dns: self.dns(),
            runtime: Runtime {
                railway_host: self
                    .settings
                    .platform
                    .static_url
                    .clone()
                    .unwrap_or_else(|| self.url(Way::Railway)),
                internal_host: self.url(Way::Internal),
                port: self.record.port,
                pid: std::process::id(),
                uptime,
            },
            health: IdentityHealth {
                status: report.status,
                uptime,
                last_check: Timestamp(report.at),
            },
            capabilities: self.capabilities(),
        }
    }

    /// What is on.
    pub fn capabilities(&self) -> Vec<String> {
        let features = self.settings.features;
        let switched = [
            ("rpc", features.rpc),
            ("events", features.events),
            ("jobs", features.jobs),
            ("state", features.state),
            // A run is a job.
            ("workflows", features.jobs),
            ("pipes", features.rpc),
        ];
        let on = switched.into_iter().filter(|(_, on)| *on).map(|(name, _)| name);
        on.chain(["logs", "metrics", "traces"]).map(str::to_owned).collect()
    }

    /// Puts on the record that a call was refused for who made it, such as `POST /v1/sys/job` or `rpc core getUserById`, and the code of the
    /// refusal. Never waits and never fails: refusals are told within a minute, those that are alike as one.
    pub fn denied(&self, caller: &Caller, address: Option<IpAddr>, target: &str, reason: &str) {
        let denial = Denial {
            action: "call",
            actor: &caller.actor(),
            address,
            target,
            reason,
        };
        self.denials.note(self.clock.now(), denial);
    }

    /// The port listened on; the registry's until it is known.
    pub fn port(&self) -> u16 {
        self.port.get().copied().unwrap_or(self.record.port)
    }

    fn dns(&self) -> Dns {
        let production = self.settings.environment == Environment::Production;
        Dns {
            cloudflare: if production {
                self.url(Way::Cloudflare)
            } else {
                String::new()
            },
            railway: self.url(Way::Railway),
            internal: self.url(Way::Internal),
        }
    }

    fn url(&self, way: Way) -> String {
        // The record came out of this registry, so the service is known to it.
        self.registry
            .url(&self.record.key, self.settings.environment, way)
            .unwrap_or_default()
    }
}

impl fmt::Debug for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kernel")
            .field("service", &self.record.key)
            .field("incarnation", &self.incarnation)
            .finish()
    }
}
