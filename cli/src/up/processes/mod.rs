//! Each service in a process of its own: this process runs itself again, once a service, and keeps the door.
//!
//! The processes listen on unix sockets in a directory of this run, find one another there, and end when this process does: the other
//! end of their standard input closes.

mod child;
mod directory;
mod keeper;
mod one;
mod probe;

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use futures_util::future::join_all;
use syscall_sdk::config::Secret;
use syscall_sdk::host::{DrainBudget, Host, front_door, stop_signal};
use syscall_sdk::http::turn_away;
use syscall_sdk::lifecycle::Scope;
use syscall_sdk::resolve::Endpoint;
use syscall_sdk::transport::{Bound, ConnectionLimits, Front, Listener, Server, Switchboard};

pub(super) use one::serve_one;

use super::{Order, board, doors};
use directory::Directory;
use keeper::Keeper;
use probe::Prober;

/// What every process of the fleet is started with.
struct Plan {
    program: std::path::PathBuf,
    directory: Directory,
    variables: Vec<(String, String)>,
    /// Each service's own token.
    tokens: BTreeMap<String, Secret>,
    /// Whether the processes' lines are printed.
    logs: bool,
    probe_interval: Duration,
    drain: DrainBudget,
}

/// Runs the fleet until it is told to stop.
pub(super) async fn run(order: Order) -> Result<ExitCode> {
    let begun = Instant::now();
    let mut host = order.fleet.mount(Host::new(order.variables.clone()), &order.up.only)?;
    if let Some(identity) = &order.identity {
        host = host.tokens(identity.tokens.clone());
    }
    let (registry, settings) = host.check()?;
    let directory = Directory::make(&order.variables)?;
    let elsewhere: BTreeMap<String, Endpoint> = order
        .keys()
        .map(|key| (key.to_owned(), Endpoint::Unix(directory.socket(key))))
        .collect();
    let mut listeners = Vec::new();
    for door in doors::of(&order) {
        let door = door.elsewhere(elsewhere.clone());
        for bind in &door.binds {
            let listener = Listener::bind(bind)
                .await
                .map_err(syscall_sdk::host::StartError::from)?;
            listeners.push((listener, door.clone()));
        }
    }
    let bound: Vec<Bound> = listeners
        .iter()
        .map(|(listener, _)| listener.bound())
        .collect::<Result<_, _>>()?;
    let port = doors::port_of(&bound, order.port);

    let scope = Scope::new("up", tracing::Span::none());
    let plan = Arc::new(Plan {
        program: std::env::current_exe().context("this program cannot find itself, so it cannot run itself again")?,
        variables: variables(&order, &directory, port),
        directory,
        tokens: order
            .identity
            .as_ref()
            .map(|identity| identity.tokens.clone())
            .unwrap_or_default(),
        logs: order.up.logs,
        probe_interval: Duration::from_millis(order.up.probe_interval.max(1)),
        drain: settings
            .first()
            .map_or_else(DrainBudget::default, |settings| DrainBudget::of(settings.environment)),
    });
    let rows = board::booting(order.keys().map(|key| (key, doors::own_port(&order, &bound, key))));
    let stopping = scope.child("stopping");
    let keepers: Vec<Keeper> = order
        .keys()
        .map(|key| Keeper {
            key,
            plan: Arc::clone(&plan),
            rows: rows.clone(),
            prober: Prober::new(&scope, key, plan.directory.socket(key), plan.probe_interval),
            output: scope.clone(),
            stopping: stopping.clone(),
        })
        .collect();
    let keeping = scope.child("keepers");
    for keeper in keepers {
        keeping.spawn("keeper", keeper.keep());
    }
    let drawn = tokio::select! {
        drawn = board::draw(&order, port, &rows) => drawn?,
        signal = stop_signal() => return stop(signal, &plan, &scope, &stopping, &keeping, &[]).await,
    };
    if let Some(reason) = board::nothing_runs(&rows) {
        stop("nothing could boot", &plan, &scope, &stopping, &keeping, &[]).await?;
        anyhow::bail!("no service could boot: {reason}");
    }
    let servers = listeners
        .into_iter()
        .map(|(listener, door)| {
            let handler = front_door(&door, &registry, &Switchboard::default(), &scope);
            Server::start(
                &scope,
                listener,
                handler,
                Front::new(turn_away),
                ConnectionLimits::default(),
            )
        })
        .collect::<Result<Vec<_>, _>>()?;
    let stopped = stop_signal();
    board::announce(&order, port, &rows, drawn, begun)?;
    let signal = stopped.await;
    stop(signal, &plan, &scope, &stopping, &keeping, &servers).await
}

/// Tells every process to stop, lets what is in flight come through the doors, and waits for the last of them.
async fn stop(
    signal: &str,
    plan: &Plan,
    scope: &Scope,
    stopping: &Scope,
    keeping: &Scope,
    servers: &[Server],
) -> Result<ExitCode> {
    eprintln!("\n{signal}: draining …");
    stopping.cancel();
    let doors = join_all(servers.iter().map(|server| server.drain(plan.drain.in_flight)));
    tokio::join!(doors, keeping.idle());
    scope.stop(Duration::from_secs(1)).await;
    plan.directory.remove();
    Ok(ExitCode::SUCCESS)
}

/// What the environment says to every process beside what it inherits.
fn variables(order: &Order, directory: &Directory, port: u16) -> Vec<(String, String)> {
    let mut variables = vec![
        ("SYSCALL_SOCKETS".to_owned(), directory.path().display().to_string()),
        ("PORT".to_owned(), port.to_string()),
    ];
    // What was given by the environment they inherit; what this command made they are told.
    let made = order.identity.is_some().then_some("SYSCALL_ROOT_KEYS");
    for name in ["DATA_DIR", "AMNESIA", "SYSCALL_AUTH"].into_iter().chain(made) {
        if let Some(value) = order.variables.get(name) {
            variables.push((name.to_owned(), value.clone()));
        }
    }
    // Their output is a pipe to us; whether people read it is known here.
    if order.up.logs && std::io::stdout().is_terminal() && !order.variables.contains_key("LOG_FORMAT") {
        variables.push(("LOG_FORMAT".to_owned(), "pretty".to_owned()));
    }
    variables
}
