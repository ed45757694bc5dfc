//! Where contracts come from: this program, a running fleet, a folder.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail};
use futures_util::future::try_join_all;
use serde_json::Value;
use syscall_sdk::config::Variables;
use syscall_sdk::host::{Door, DrainBudget, Host};
use syscall_sdk::transport::{Bind, Bound};
use syscall_sdk::wire::Methods;

use super::{Contract, Contracts, Operation, openapi};
use crate::args::{Env, Target};
use crate::fleet::Known;
use crate::remote::Remote;

/// What the services of this program offer: they are started here, on loopback and without a disk, and asked as a running fleet is, so that
/// nothing is told in another way than it is served.
pub(crate) async fn of_this_program(fleet: &Known) -> Result<Contracts> {
    let variables = [
        ("AMNESIA", "true"),
        ("ENVIRONMENT", "development"),
        ("LOG_LEVEL", "fatal"),
    ];
    let variables: Variables = variables
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    // Each is asked by its own name; who answers a bare one does not matter.
    let apex = fleet.keys().next().context("this program has no services")?;
    let door = Door::of_fleet(apex, vec![Bind::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))]);
    let running = fleet.mount(Host::new(variables), &[])?.start(vec![door]).await?;
    let port = running.bound().iter().find_map(|bound| match bound {
        Bound::Tcp(address) => Some(address.port()),
        Bound::Unix(_) => None,
    });
    let target = Target {
        environment: Env::Development,
        port: port.context("a door on loopback has a port")?,
        token: None,
    };
    let remote = Remote::new(&fleet.built, &target)?;
    // Of a service in another language only a running one can tell.
    let keys: Vec<String> = fleet.keys().map(str::to_owned).collect();
    let contracts = try_join_all(keys.iter().map(|key| of_running(&remote, key))).await;
    running.stop(DrainBudget::none(), "its contracts were read").await;
    Ok(keys.into_iter().zip(contracts?).collect())
}

/// What a running service offers.
pub(crate) async fn of_running(remote: &Remote, service: &str) -> Result<Contract> {
    let Methods { methods } = remote.get(service, "/v1/sys/rpc", &[]).await?;
    let document: Value = remote.get(service, "/v1/sys/openapi.json", &[]).await?;
    let (routes, schemas) = openapi::routes(&document);
    let methods = methods.into_iter().map(|method| {
        let operation = Operation {
            params: method.params.value(),
            result: method.result.value(),
            stream: method.stream,
        };
        (method.name, operation)
    });
    Ok(Contract {
        version: document["info"]["version"].as_str().unwrap_or_default().to_owned(),
        methods: methods.collect(),
        routes,
        schemas,
    })
}

/// Writes a file for each service, in a form whose differences can be read.
pub(crate) fn write(folder: &Path, contracts: &Contracts) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    for (key, contract) in contracts {
        let file = folder.join(format!("{key}.json"));
        let text = serde_json::to_string_pretty(contract)?;
        std::fs::write(&file, text + "\n").with_context(|| format!("{} cannot be written", file.display()))?;
    }
    Ok(())
}

/// Reads what was written.
pub(crate) fn read(folder: &Path) -> Result<Contracts> {
    let entries = std::fs::read_dir(folder).map_err(|error| {
        anyhow!(
            "{} is neither an environment nor a folder with contracts: {error}",
            folder.display()
        )
    })?;
    let mut contracts = Contracts::new();
    for entry in entries {
        let file = entry?.path();
        if file.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let key = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))?;
        let contract = serde_json::from_str(&text).with_context(|| {
            format!(
                "{} is no contract; `blackroad contract export` writes them",
                file.display()
            )
        })?;
        contracts.insert(key, contract);
    }
    if contracts.is_empty() {
        bail!(
            "{} holds no contract; `blackroad contract export` writes them",
            folder.display()
        );
    }
    Ok(contracts)
}
