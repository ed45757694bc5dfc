//! A fleet: its registry, and the services of it that this program can run.

use syscall_sdk::host::Host;
use syscall_sdk::registry::Registry;
use syscall_sdk::service::Service;

/// Makes a service anew.
pub type MakeService = fn() -> Service;

/// What [`main`](crate::main) is the shell of: the registry says who there is, and each service that is listed here can be run by `up`. One
/// in another language is in the registry alone.
#[derive(Clone, Debug)]
pub struct Fleet {
    registry: Result<Registry, String>,
    text: String,
    services: Vec<(&'static str, MakeService)>,
}

impl Fleet {
    /// A fleet of this registry, the text of its `registry.toml`, and these services, in its order. What is wrong with them ends
    /// [`main`](crate::main) with a sentence.
    pub fn new(registry: &str, services: &[MakeService]) -> Self {
        Fleet {
            registry: Registry::parse(registry).map_err(|error| error.message().to_owned()),
            text: registry.to_owned(),
            // Making a service starts nothing; it is asked for its key alone.
            services: services.iter().map(|make| (make().key(), *make)).collect(),
        }
    }

    /// The same, once it is known to agree with itself: every service is in the registry, and in this list once.
    pub(crate) fn checked(self) -> Result<Known, String> {
        let registry = self.registry?;
        for (at, (key, _)) in self.services.iter().enumerate() {
            if !registry.has(key) {
                return Err(format!(
                    "the service {key:?} is mounted, and registry.toml has no entry of it"
                ));
            }
            if self.services[..at].iter().any(|(other, _)| other == key) {
                return Err(format!("the service {key:?} is mounted twice"));
            }
        }
        Ok(Known {
            built: registry.clone(),
            registry,
            text: self.text,
            services: self.services,
        })
    }
}

/// A fleet that agrees with itself.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    /// What a command goes by; see [`crate::here`].
    pub(crate) registry: Registry,
    /// What the services were built with, and run with.
    pub(crate) built: Registry,
    /// The text that it was read from.
    text: String,
    services: Vec<(&'static str, MakeService)>,
}

impl Known {
    /// Whether this is the text of the registry that was built in. How lines end is git's affair.
    pub(crate) fn was_built_with(&self, text: &str) -> bool {
        self.text.lines().eq(text.lines())
    }

    /// The same services, with another registry to go by.
    pub(crate) fn with(&self, registry: Registry) -> Self {
        Known {
            registry,
            ..self.clone()
        }
    }

    /// What can be run, in order.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &'static str> {
        self.services.iter().map(|(key, _)| *key)
    }

    /// Whether this program can run a service.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.keys().any(|known| known == key)
    }

    /// How one service is made.
    pub(crate) fn make(&self, key: &str) -> Option<MakeService> {
        let (_, make) = self.services.iter().find(|(known, _)| *known == key)?;
        Some(*make)
    }

    /// Mounts the services that are wanted; all of them where none is named.
    pub(crate) fn mount(&self, host: Host, only: &[String]) -> anyhow::Result<Host> {
        for key in only {
            anyhow::ensure!(
                self.has(key),
                "--only names {key:?}, which is no service; there are {}",
                self.keys().collect::<Vec<_>>().join(", ")
            );
        }
        let host = host.registry(self.built.clone());
        let wanted = |key: &str| only.is_empty() || only.iter().any(|wanted| wanted == key);
        let services = self.services.iter().filter(|(key, _)| wanted(key));
        Ok(services.fold(host, |host, (_, make)| host.mount(*make)))
    }
}
