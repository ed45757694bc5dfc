//! `blackroad up`: the whole fleet, or a part of it, on this machine.

mod board;
mod doors;
mod identity;
mod one_process;
mod processes;

use std::process::ExitCode;

use syscall_sdk::config::Variables;
use syscall_sdk::host::{EXIT_CONFIG, Host, Sources, StartError};

use crate::args::{Target, Up};
use crate::fleet::Known;
use identity::Identity;

/// A fleet that is to be started.
pub(crate) struct Order {
    pub(crate) fleet: Known,
    pub(crate) up: Up,
    pub(crate) port: u16,
    /// One JSON line instead of the table.
    pub(crate) json: bool,
    pub(crate) variables: Variables,
    /// What services and owner show, where the keys are this command's own.
    identity: Option<Identity>,
    /// Where they were read from.
    pub(crate) sources: Sources,
}

impl Order {
    /// Whether a service is to run.
    fn wants(&self, key: &str) -> bool {
        self.fleet.has(key) && (self.up.only.is_empty() || self.up.only.iter().any(|only| only == key))
    }

    /// The services that are to run, in the order of the registry.
    fn keys(&self) -> impl Iterator<Item = &'static str> {
        self.fleet.keys().filter(|key| self.wants(key))
    }
}

/// Runs the fleet until it is told to stop.
pub(crate) async fn run(fleet: &Known, target: &Target, json: bool, up: Up) -> ExitCode {
    let (sources, mut faults) = Sources::of_process();
    let (mut variables, found) = sources.read();
    found.iter().for_each(|problem| faults.push(problem));
    if !faults.is_empty() {
        let host = fleet.mount(Host::new(variables), &up.only);
        let faults = host.map_or(faults.clone(), |host| host.faults_beside(faults));
        eprintln!("{faults}");
        return ExitCode::from(EXIT_CONFIG);
    }
    if let Some(key) = &up.serve_one {
        return processes::serve_one(fleet, key, variables, sources).await;
    }
    // These name one service; a fleet has nine.
    for name in ["SERVICE_NAME", "SERVICE_ROLE", "PORT"] {
        variables.remove(name);
    }
    variables.insert("DATA_DIR".to_owned(), up.data_dir.display().to_string());
    if up.amnesia {
        variables.insert("AMNESIA".to_owned(), "true".to_owned());
    }
    if let Some(auth) = up.auth {
        variables.insert("SYSCALL_AUTH".to_owned(), auth.as_str().to_owned());
    }
    let identity = match Identity::make(fleet, &mut variables) {
        Ok(identity) => identity,
        Err(error) => {
            eprintln!("error: {error:#}");
            return ExitCode::FAILURE;
        }
    };
    let order = Order {
        fleet: fleet.clone(),
        up,
        port: target.port,
        json,
        variables,
        identity,
        sources,
    };
    let outcome = if order.up.processes {
        processes::run(order).await
    } else {
        one_process::run(order).await
    };
    match outcome {
        Ok(code) => code,
        Err(error) => match error.downcast_ref::<StartError>() {
            Some(StartError::Config(problems)) => {
                eprintln!("{problems}");
                ExitCode::from(EXIT_CONFIG)
            }
            // The sentence says what to do; what lies beneath it is the system's word for the same.
            Some(StartError::Fatal(fatal)) => {
                eprintln!("error: {}", fatal.message());
                ExitCode::FAILURE
            }
            None => {
                eprintln!("error: {error:#}");
                ExitCode::FAILURE
            }
        },
    }
}
