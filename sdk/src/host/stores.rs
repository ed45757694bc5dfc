use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::clock::Clock;
use crate::config::{Problems, Secret, Settings, StoreChoice};
use crate::error::{Error, Result};
use crate::lifecycle::Scope;
use crate::registry::ServiceRecord;
use crate::store::Store;
use crate::store::embedded::{Embedded, Options};
use crate::store::memory::Memory;
use crate::store::postgres::{self, Database, Postgres, Target};

/// Says what is wrong with the choice of store before anything is started.
pub(super) fn check(settings: &Settings, problems: &mut Problems) {
    if let StoreChoice::Postgres(url) = &settings.store
        && let Err(fault) = Target::parse(url.reveal())
    {
        let fault = format!("DATABASE_URL cannot be used: {fault}; it is postgres://user:password@host:port/database");
        if !problems.iter().any(|known| known == fault) {
            problems.push(fault);
        }
    }
}

/// The databases that the services of this process keep their data in, each with its connections: one a URL.
#[derive(Clone, Debug)]
pub(super) struct Databases {
    scope: Scope,
    open: Arc<Mutex<BTreeMap<String, Database>>>,
}

impl Databases {
    /// None yet; their tasks will live in `scope`, which outlives every service.
    pub(super) fn new(scope: &Scope) -> Self {
        Databases {
            scope: scope.clone(),
            open: Arc::default(),
        }
    }

    fn at(&self, url: &Secret) -> Result<Database> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(database) = open.get(url.reveal()) {
            return Ok(database.clone());
        }
        let target = Target::parse(url.reveal()).map_err(Error::internal)?;
        let database = Database::new(target, &self.scope);
        open.insert(url.reveal().to_owned(), database.clone());
        Ok(database)
    }
}

/// Opens the store of a service.
pub(super) async fn open(
    settings: &Settings,
    record: &ServiceRecord,
    clock: &Clock,
    owner: &str,
    scope: &Scope,
    databases: &Databases,
) -> Result<Arc<dyn Store>> {
    let path = match &settings.store {
        StoreChoice::Memory => return Ok(Arc::new(Memory::new(clock.clone()))),
        StoreChoice::Embedded { directory, .. } => directory.join(record.file_name()),
        StoreChoice::Postgres(url) => {
            let options = postgres::Options {
                schema: record.schema_name(),
                clock: clock.clone(),
                owner: owner.to_owned(),
            };
            return Ok(Arc::new(Postgres::open(&databases.at(url)?, options).await?));
        }
    };
    let options = Options {
        path: Some(path.clone()),
        clock: clock.clone(),
        owner: owner.to_owned(),
        name: record.key.clone(),
    };
    let opened = scope.blocking("open-store", move || {
        make_directory(&path)?;
        Ok(Embedded::open(options)?)
    });
    let embedded: Result<Embedded> = opened.await?;
    Ok(Arc::new(embedded?))
}

fn make_directory(path: &Path) -> Result<()> {
    let Some(directory) = path.parent() else { return Ok(()) };
    std::fs::create_dir_all(directory).map_err(|error| {
        Error::unavailable(format!(
            "DATA_DIR {} cannot be made; choose a directory that this user may write",
            directory.display()
        ))
        .with_source(error)
    })
}
