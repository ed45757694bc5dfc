//! A service of the fleet that is here.

use anyhow::{Context as _, Result, bail};
use syscall_sdk::registry::Registry;

use super::names::{Names, ident};
use super::registry::{self, Entry};
use super::{Made, Plan, checkout, template, text};
use crate::args::NewService;

pub(super) fn plan(order: &NewService) -> Result<Made> {
    let mut plan = Plan::new(checkout::find()?);
    let prefix = checkout::prefix(&plan.read("services/contracts/Cargo.toml")?)?;
    let names = Names::new(&prefix, &order.key)?;
    let before = plan.read("registry.toml")?;
    let entry = Entry {
        names: &names,
        port: order.listens_on,
        calls: &order.calls,
        called_by: &order.called_by,
    };
    let after = registry::with(&before, &entry)?;
    plan.change("registry.toml", |_| Some(after))?;
    if order.registry_only {
        return Ok(Made {
            plan,
            what: format!("the entry of {}", names.key),
            next: next_elsewhere(&names),
        });
    }
    // What lies there and is in no registry is somebody's work: nothing is put among it.
    let folder = format!("services/{}", names.key);
    if plan.root().join(&folder).exists() {
        bail!("{folder} is there already; choose another key, or remove it");
    }
    for (place, file) in template::SERVICE {
        plan.create(template::place(place, &names.key, &names.module()), names.fill(file))?;
    }
    let sibling = Sibling::find(&plan, &before)?;
    mount(&mut plan, &names, &sibling)?;
    if plan.read("docs/contents.toml").is_ok() {
        let line = format!("  \"reference/services/{}\",", names.key);
        plan.change("docs/contents.toml", |text| {
            text::after_last(text, "  \"reference/", &line)
        })?;
    }
    let mut next = next(&names);
    // Where the platform's configuration is rendered from the registry, it does not know the service yet.
    if plan.root().join("railway/fleet.ts").is_file() {
        next.push("cargo run -- railway render".to_owned());
    }
    Ok(Made {
        plan,
        what: format!("the service {}", names.key),
        next,
    })
}

/// A service that the fleet has already: the new one goes wherever this one is.
struct Sibling {
    key: String,
    package: String,
}

impl Sibling {
    /// The last of the registry whose crate is here.
    fn find(plan: &Plan, registry: &str) -> Result<Self> {
        let registry = Registry::parse(registry)?;
        let services: Vec<_> = registry.services().collect();
        let here = |key: &str| plan.root().join("services").join(key).join("Cargo.toml").is_file();
        let last = services.iter().rev().find(|service| here(&service.key));
        let last =
            last.context("no service of the registry has its crate under services/; add the first one by hand")?;
        Ok(Sibling {
            key: last.key.clone(),
            package: last.name.clone(),
        })
    }
}

fn mount(plan: &mut Plan, names: &Names, sibling: &Sibling) -> Result<()> {
    let (old_path, new_path) = (
        format!("services/{}\"", sibling.key),
        format!("services/{}\"", names.key),
    );
    let words = [
        (sibling.package.as_str(), names.package.as_str()),
        (&old_path, &new_path),
    ];
    plan.change("Cargo.toml", |text| text::beside(text, &sibling.package, &words))?;
    plan.change("cli/Cargo.toml", |text| text::beside(text, &sibling.package, &words))?;
    let (old, new) = (ident(&sibling.package), ident(&names.package));
    plan.change("cli/src/main.rs", |text| text::beside(text, &old, &[(&old, &new)]))?;
    // The tests of the whole fleet have a list of their own.
    if plan.read("cli/tests/it/fleet.rs").is_ok() {
        let (old_key, new_key) = (format!("{:?}", sibling.key), format!("{:?}", names.key));
        let words = [(old.as_str(), new.as_str()), (&old_key, &new_key)];
        plan.change("cli/tests/it/fleet.rs", |text| text::beside(text, &old, &words))?;
    }
    let module = format!("pub mod {};", names.module());
    plan.change("services/contracts/src/lib.rs", |text| {
        text::among(text, "pub mod ", &module)
    })
}

fn next(names: &Names) -> Vec<String> {
    vec![
        format!("cargo test -p {}", names.package),
        format!("cargo run -- up --only {}", names.key),
        format!(
            "cargo run -- call {} addItem '{{\"name\":\"the first\"}}'   # in a second terminal",
            names.key
        ),
    ]
}

fn next_elsewhere(names: &Names) -> Vec<String> {
    let variable = ident(&names.key).to_uppercase();
    vec![
        format!("{variable}_INTERNAL_URL=http://127.0.0.1:9000 cargo run -- up   # the fleet finds it there"),
        format!(
            "cargo run -- conform http://127.0.0.1:9000 --service {} --level 2.0",
            names.key
        ),
        format!(
            "cargo run -- token mint {} --out tokens/{}.token   # its credential in production",
            names.key, names.key
        ),
    ]
}
