//! Reads the environment again while the host runs: checked whole before anything of it holds, and taken back whole where it cannot be
//! put on the record.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::json;
use tokio::sync::Mutex;

use super::supervisor::Neighbours;
use super::{Sources, least_grave};
use super::{credentials, stores};
use crate::audit::Record;
use crate::config::{self, Live, Problems, Secret, Settings, Told, Variables};
use crate::context::{BusEvent, Context, Kernel};
use crate::error::{Error, Kind, Result};
use crate::lifecycle::Scope;
use crate::registry::{Registry, ServiceRecord};
use crate::telemetry;
use crate::wire::Json;

/// Between looks at the files: a rotated secret holds within this, and a look is a few calls of the system's.
const LOOK: Duration = Duration::from_secs(5);
/// The event that tells of it.
const UPDATED: &str = "config:updated";
/// As what it is put on the record.
const ACTION: &str = "config.reload";

/// What a reload came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reloaded {
    /// Variables that changed and hold now.
    pub applied: Vec<String>,
    /// Variables that changed and wait for the next start.
    pub waiting: Vec<String>,
}

/// One service of the host.
pub(super) struct Mounted {
    pub(super) record: ServiceRecord,
    pub(super) live: Live,
    /// Its token, where whoever runs the host gave it one beside the environment.
    pub(super) token: Option<Secret>,
}

/// Reloads a host. Cheap to clone.
#[derive(Clone)]
pub(super) struct Reloader(Arc<Inner>);

struct Inner {
    sources: Sources,
    registry: Registry,
    mounts: Vec<Mounted>,
    neighbours: Neighbours,
    /// What was read the last time; held while a reload goes on, so that there is one at a time.
    before: Mutex<Variables>,
}

impl std::fmt::Debug for Reloader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reloader")
            .field("sources", &self.0.sources)
            .finish_non_exhaustive()
    }
}

impl Reloader {
    pub(super) fn new(sources: Sources, registry: Registry, mounts: Vec<Mounted>, neighbours: Neighbours) -> Self {
        let before = Mutex::new(sources.read().0);
        Reloader(Arc::new(Inner {
            sources,
            registry,
            mounts,
            neighbours,
            before,
        }))
    }

    /// Reloads whenever one of the files changes.
    pub(super) fn watch(&self, scope: &Scope) {
        let (reloader, inside) = (self.clone(), scope.clone());
        scope.spawn_background("watch-config", async move {
            // The first look finds whatever changed since the start; where nothing did, reading it again is no news.
            let mut seen = None;
            loop {
                tokio::time::sleep(LOOK).await;
                let now = Some(reloader.look(&inside).await);
                if now != seen {
                    seen = now;
                    // What is wrong was told where it was found.
                    let _ = reloader.reload("a file changed").await;
                }
            }
        });
    }

    /// How the files are: a change of any shows in one of these.
    async fn look(&self, scope: &Scope) -> BTreeMap<PathBuf, (SystemTime, u64)> {
        let sources = self.0.sources.clone();
        let look = scope.blocking("look-at-config", move || {
            let files = sources.files().into_iter();
            let seen = files.filter_map(|path| {
                let file = std::fs::metadata(&path).ok()?;
                Some((path, (file.modified().ok()?, file.len())))
            });
            seen.collect()
        });
        look.await.unwrap_or_default()
    }

    /// Reads everything again; what may change holds from now on in every service, or nothing does.
    ///
    /// # Errors
    /// `CONFIG_INVALID` with every fault that was found, or what kept it from the record; then all is as it was.
    pub(super) async fn reload(&self, why: &str) -> Result<Reloaded> {
        let inner = &self.0;
        let mut before = inner.before.lock().await;
        let (after, mut problems) = inner.sources.read();
        for (name, path) in inner.sources.named() {
            if before.contains_key(&name) && !after.contains_key(&name) {
                problems.push(format!(
                    "{name} was read from {} and cannot be any more",
                    path.display()
                ));
            }
        }
        // Every service of a process reads the same variables.
        let Some(first) = inner.mounts.first() else {
            return Ok(Reloaded::default());
        };
        let change = config::change(&first.live.now().variables, &before, &after);
        let settings = self.check(&change.variables, &mut problems);
        let kernels: Vec<Arc<Kernel>> = inner.neighbours.iter().filter_map(|shared| shared.kernel()).collect();
        if !problems.is_empty() {
            return Err(refuse(&kernels, why, &problems).await);
        }
        *before = after;
        for kernel in &kernels {
            kernel
                .scope
                .span()
                .in_scope(|| tell(why, &change.applied, &change.waiting));
        }
        if !change.applied.is_empty() {
            self.apply(settings, &change.variables, &change.applied, &kernels)
                .await?;
        }
        Ok(Reloaded {
            applied: change.applied,
            waiting: change.waiting,
        })
    }

    /// What each service would be told.
    fn check(&self, variables: &Variables, problems: &mut Problems) -> Vec<Settings> {
        let mut all = Vec::new();
        let mut found = Problems::default();
        let _ = self.0.registry.with_overrides(variables, &mut found);
        for mounted in &self.0.mounts {
            let record = &mounted.record;
            match config::parse(variables, &record.key, &record.name, &record.role) {
                Ok(mut settings) => {
                    settings.token = mounted.token.clone().or(settings.token);
                    stores::check(&settings, &mut found);
                    credentials::check(record, &settings, &mut found);
                    all.push(settings);
                }
                Err(faults) => faults.iter().for_each(|fault| found.push(fault)),
            }
        }
        for fault in found.iter() {
            if !problems.iter().any(|known| known == fault) {
                problems.push(fault);
            }
        }
        all
    }

    async fn apply(
        &self,
        settings: Vec<Settings>,
        variables: &Variables,
        applied: &[String],
        kernels: &[Arc<Kernel>],
    ) -> Result<()> {
        let mounts = &self.0.mounts;
        let before: Vec<Arc<Told>> = mounts.iter().map(|mounted| mounted.live.now()).collect();
        let version = before.iter().map(|told| told.version).max().unwrap_or_default() + 1;
        for (mounted, settings) in mounts.iter().zip(settings) {
            mounted.live.replace(Arc::new(Told {
                version,
                settings,
                variables: variables.clone(),
            }));
        }
        self.hold(kernels);
        for (at, kernel) in kernels.iter().enumerate() {
            let record = Record::allowed(ACTION, "config").by("kernel");
            let record = record
                .with("variables", applied.join(", "))
                .with("version", version.to_string());
            let told = Json::from(json!({ "version": version, "variables": applied }));
            let commit = Context::new(Arc::clone(kernel)).batch().emit_named(UPDATED, &told);
            let Err(error) = commit.audit(record).commit().await else {
                continue;
            };
            for (mounted, told) in mounts.iter().zip(&before) {
                mounted.live.replace(Arc::clone(told));
            }
            self.hold(kernels);
            tracing::error!(error = %error.chain(), "the new configuration could not be put on the record; all is as it was");
            for kernel in &kernels[..at] {
                let record = Record::failed(ACTION, "config").by("kernel");
                let record = record.because("it was taken back: another service could not put it on the record");
                // Whoever cannot write this could not write that either.
                let _ = Context::new(Arc::clone(kernel)).audit(record).await;
            }
            return Err(error);
        }
        for kernel in kernels {
            kernel.bus.send(BusEvent::ConfigUpdated { version });
        }
        Ok(())
    }

    /// Brings to where they are used those that are not asked for each time.
    fn hold(&self, kernels: &[Arc<Kernel>]) {
        let now: Vec<Arc<Told>> = self.0.mounts.iter().map(|mounted| mounted.live.now()).collect();
        telemetry::set_level(least_grave(now.iter().map(|told| &told.settings)));
        for kernel in kernels {
            if let Err(error) = credentials::renew(kernel) {
                // They were checked before anything was told; what stays is what was held.
                kernel.scope.span().in_scope(
                    || tracing::error!(error = %error.chain(), "what was told of keys and token cannot be held"),
                );
            }
        }
    }
}

/// Says what was read, by names alone.
fn tell(why: &str, applied: &[String], waiting: &[String]) {
    if !applied.is_empty() {
        tracing::info!(
            why,
            variables = applied.join(", "),
            "the configuration was read again and holds"
        );
    }
    if !waiting.is_empty() {
        tracing::warn!(
            why,
            variables = waiting.join(", "),
            "these changed and are read at the start alone: restart the service for them to hold"
        );
    }
}

/// Says what is wrong, and puts it on the record that nothing changed.
async fn refuse(kernels: &[Arc<Kernel>], why: &str, problems: &Problems) -> Error {
    let error = Error::new(Kind::Invalid, problems.to_string()).with_code("CONFIG_INVALID");
    for kernel in kernels {
        kernel.scope.span().in_scope(|| {
            tracing::error!(why, error = %problems, "the configuration was read again and cannot be used; all is as it was");
        });
        let record = Record::failed(ACTION, "config")
            .by("kernel")
            .because("it has faults; the log names them");
        // The refusal holds whether it is on the record or not.
        let _ = Context::new(Arc::clone(kernel)).audit(record).await;
    }
    error
}
