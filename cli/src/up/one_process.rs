//! All services in this process, behind one door.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use syscall_sdk::host::{DrainBudget, Host, Running, Standing, Status, output_format, stop_signal};
use syscall_sdk::lifecycle::Scope;
use syscall_sdk::telemetry::Output;
use syscall_sdk::wire::HealthStatus;
use tokio::sync::watch;

use super::board::{self, Rows, State};
use super::{Order, doors};

pub(super) async fn run(order: Order) -> Result<ExitCode> {
    let begun = Instant::now();
    let host = Host::new(order.variables.clone()).reload_from(order.sources.clone());
    let mut host = order.fleet.mount(host, &order.up.only)?;
    if let Some(identity) = &order.identity {
        host = host.tokens(identity.tokens.clone());
    }
    let (_, settings) = host.check()?;
    let settings = settings.first();
    let budget = settings.map_or_else(DrainBudget::default, |settings| DrainBudget::of(settings.environment));
    let writer = if order.up.logs {
        let (output, writer) = Output::start(output_format(settings));
        host = host.output(output);
        Some(writer)
    } else {
        None
    };
    let starting = host.begin(doors::of(&order)).await?;
    let bound = starting.bound()?;
    let port = doors::port_of(&bound, order.port);
    let rows = board::booting(order.keys().map(|key| (key, doors::own_port(&order, &bound, key))));
    let scope = Scope::new("up", tracing::Span::none());
    for (key, standing) in starting.standings() {
        scope.spawn("standing", follow(rows.clone(), key, standing));
    }
    let (drawn, running) = tokio::join!(board::draw(&order, port, &rows), starting.ready());
    let (drawn, running) = (drawn?, running?);
    if let Some(reason) = board::nothing_runs(&rows) {
        running.stop(DrainBudget::none(), "nothing could boot").await;
        anyhow::bail!("no service could boot: {reason}");
    }
    tell_health(&rows, &running);
    let stopped = stop_signal();
    board::announce(&order, port, &rows, drawn, begun)?;
    for (key, standing) in running.standings() {
        scope.spawn("tell-changes", tell_changes(key, standing));
    }

    let signal = stopped.await;
    scope.cancel();
    eprintln!("\n{signal}: draining …");
    let unfinished = running.stop(budget, signal).await;
    if !unfinished.is_empty() {
        eprintln!("did not finish in its time: {}", unfinished.join(", "));
    }
    drop(writer);
    Ok(ExitCode::SUCCESS)
}

/// Keeps a row as its service's standing says.
async fn follow(rows: Rows, key: String, mut standing: watch::Receiver<Standing>) {
    loop {
        let now = standing.borrow_and_update().clone();
        let state = match now.status {
            Status::Booting => State::Booting,
            Status::Running => State::Up(HealthStatus::Healthy),
            Status::Restarting => State::Restarting,
            Status::Quarantined => State::GivenUp,
            Status::Stopped => return,
        };
        board::change(&rows, &key, |row| {
            row.state = state;
            row.boot = (now.status == Status::Running).then_some(now.boot);
            row.remark = now.reason.filter(|_| now.status != Status::Running);
        });
        if standing.changed().await.is_err() {
            return;
        }
    }
}

/// Says on standard error what becomes of a service after the table was printed.
async fn tell_changes(key: String, mut standing: watch::Receiver<Standing>) {
    let mut before = standing.borrow_and_update().status;
    while standing.changed().await.is_ok() {
        let now = standing.borrow_and_update().clone();
        let reason = now.reason.as_deref().unwrap_or("no reason is known");
        match now.status {
            Status::Restarting => eprintln!("{key} died and is being restarted: {reason}"),
            Status::Quarantined => eprintln!("{key} is given up until the fleet is restarted: {reason}"),
            Status::Running if before != Status::Running => eprintln!("{key} runs again"),
            _ => {}
        }
        before = now.status;
    }
}

/// A service that runs may still be unwell.
fn tell_health(rows: &Rows, running: &Running) {
    rows.send_modify(|rows| {
        for row in rows.iter_mut().filter(|row| matches!(row.state, State::Up(_))) {
            if let Some(kernel) = running.kernel(&row.key) {
                row.state = State::Up(kernel.health.status());
            }
        }
    });
}
