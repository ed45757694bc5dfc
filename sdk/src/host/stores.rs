use std::path::Path;
use std::sync::Arc;

use crate::clock::Clock;
use crate::config::{Problems, Settings, StoreChoice};
use crate::error::{Error, Result};
use crate::lifecycle::Scope;
use crate::registry::ServiceRecord;
use crate::store::Store;
use crate::store::embedded::{Embedded, Options};
use crate::store::memory::Memory;

/// Says what is wrong with the choice of store before anything is started.
pub(super) fn check(settings: &Settings, problems: &mut Problems) {
    if let StoreChoice::Postgres(_) = settings.store {
        let fault = "DATABASE_URL is set, and this build keeps everything in DATA_DIR; unset it, and mount a volume at DATA_DIR";
        if !problems.iter().any(|known| known == fault) {
            problems.push(fault);
        }
    }
}

/// Opens the store of a service.
pub(super) async fn open(
    settings: &Settings,
    record: &ServiceRecord,
    clock: &Clock,
    owner: &str,
    scope: &Scope,
) -> Result<Arc<dyn Store>> {
    let path = match &settings.store {
        StoreChoice::Memory => return Ok(Arc::new(Memory::new(clock.clone()))),
        StoreChoice::Embedded { directory, .. } => directory.join(format!("{}.db", record.name)),
        StoreChoice::Postgres(_) => return Err(Error::internal("a store that was refused at the start was asked for")),
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
