//! A replica of core as it runs in production, that writes down what it is asked to do.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::net::{Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use syscall_sdk::config::{Environment, Variables};
use syscall_sdk::context::Context;
use syscall_sdk::contract::Method;
use syscall_sdk::error::{Error, Result};
use syscall_sdk::host::{Door, DrainBudget, Host, stop_signal};
use syscall_sdk::service::Service;
use syscall_sdk::transport::Bind;

use crate::process::orders;

/// May be done twice. It is given the call's id, and gives the replica's name.
pub(crate) const LOOK: Method<String, String> = Method::new("core", "look", "Says who looked.").idempotent();
/// Must not.
pub(crate) const CHARGE: Method<String, String> = Method::new("core", "charge", "Says who charged.");
/// Where every service of the fleet listens on its platform.
pub(crate) const PORT: u16 = 8000;
/// What a call takes, so that some are under way at every moment.
const WORK: Duration = Duration::from_millis(2);

pub(crate) async fn serve(name: &str, ledger: &str) -> ExitCode {
    let file = OpenOptions::new().append(true).create(true).open(ledger).unwrap();
    let (file, name): (_, Arc<str>) = (Arc::new(file), name.into());
    let variables: Variables = [
        ("ENVIRONMENT", "production"),
        ("AMNESIA", "true"),
        ("SYSCALL_AUTH", "open"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let everywhere = Bind::Tcp(SocketAddr::from((Ipv6Addr::UNSPECIFIED, PORT)));
    let stop = stop_signal();
    let host = Host::new(variables).mount(move || service(&name, &file));
    let running = match host.start(vec![Door::of_service("core", vec![everywhere])]).await {
        Ok(running) => running,
        Err(error) => {
            println!("failed {error}");
            return ExitCode::FAILURE;
        }
    };
    println!("ready");
    let mut orders = orders();
    tokio::select! {
        signal = stop => {
            let unfinished = running.stop(DrainBudget::of(Environment::Production), signal).await;
            assert!(unfinished.is_empty(), "did not finish: {unfinished:?}");
        }
        // Whoever started it is no more.
        _ = orders.recv() => {}
    }
    ExitCode::SUCCESS
}

fn service(name: &Arc<str>, ledger: &Arc<File>) -> Service {
    let work = |(name, ledger): (Arc<str>, Arc<File>)| {
        move |_: Context, id: String| {
            let (name, ledger) = (Arc::clone(&name), Arc::clone(&ledger));
            async move { note(&ledger, &id).await.map(|()| name.to_string()) }
        }
    };
    Service::new("core", "1")
        .method(LOOK, work((Arc::clone(name), Arc::clone(ledger))))
        .method(CHARGE, work((Arc::clone(name), Arc::clone(ledger))))
}

/// Does what is asked: a line in a file, in one write so that lines do not mix.
async fn note(mut ledger: &File, id: &str) -> Result<()> {
    let written = ledger.write_all(format!("{id}\n").as_bytes());
    written.map_err(|error| Error::unavailable("the ledger cannot be written").with_source(error))?;
    tokio::time::sleep(WORK).await;
    Ok(())
}

/// How often each id was done, by all replicas together.
pub(crate) fn done(ledgers: impl Iterator<Item = std::path::PathBuf>) -> BTreeMap<String, u32> {
    let mut done = BTreeMap::new();
    for ledger in ledgers {
        for id in std::fs::read_to_string(ledger).unwrap().lines() {
            *done.entry(id.to_owned()).or_default() += 1;
        }
    }
    done
}
