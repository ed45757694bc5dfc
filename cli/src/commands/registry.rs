//! `blackroad registry [SERVICE]`.

use anyhow::{Result, anyhow};
use syscall_sdk::config::Environment;
use syscall_sdk::registry::Way;

use crate::args::OneOrAll;
use crate::print::{self, DIM};
use crate::remote::Remote;

pub(super) fn run(remote: &Remote, machine: bool, which: OneOrAll) -> Result<()> {
    let registry = &remote.registry;
    let Some(service) = which.service else {
        if machine {
            return print::json(&registry.services().collect::<Vec<_>>());
        }
        let mut table = print::table(&["key", "name", "role", "port", "public"]);
        for record in registry.services() {
            table.add_row([
                record.key.clone(),
                record.name.clone(),
                record.role.clone(),
                record.port.to_string(),
                registry.public_url(&record.key, Environment::Production)?,
            ]);
        }
        return print::show(&table);
    };
    let record = registry
        .get(&service)
        .map_err(|error| anyhow!("{error}; there are {}", registry.keys().join(", ")))?;
    if machine {
        return print::json(record);
    }
    let mut fields = vec![
        ("key", record.key.clone()),
        ("name", record.name.clone()),
        ("role", record.role.clone()),
        ("port", record.port.to_string()),
        ("internal", registry.internal_url(&record.key)?),
    ];
    for (environment, name) in [
        (Environment::Production, "production"),
        (Environment::Development, "development"),
    ] {
        for way in [Way::Cloudflare, Way::Railway] {
            let url = registry.url(&record.key, environment, way)?;
            if !fields.iter().any(|(_, known)| *known == url) {
                fields.push((name, url));
            }
        }
    }
    fields.push(("may call", record.calls.join(", ")));
    for (name, value) in fields {
        print::line(format!("{DIM}{name:12}{DIM:#} {value}"))?;
    }
    Ok(())
}
