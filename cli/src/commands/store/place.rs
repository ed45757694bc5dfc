//! Where a service's data lies.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use syscall_sdk::host::process_environment;
use syscall_sdk::lifecycle::Scope;
use syscall_sdk::registry::ServiceRecord;
use syscall_sdk::store::embedded::Embedded;
use syscall_sdk::store::postgres::{Database, Postgres, Target};
use syscall_sdk::store::transfer::Contents;

use crate::args::StorePlace;

/// How long connections may take to end: they hold nothing by then.
const GRACE: Duration = Duration::from_secs(1);

/// A place for data.
pub(super) enum Place {
    /// A file.
    File(PathBuf),
    /// A schema of a database.
    Schema { target: Box<Target>, schema: String },
}

impl Place {
    /// What was typed, else what a fleet would use in this environment.
    pub(super) fn of(typed: StorePlace, record: &ServiceRecord) -> Result<Self> {
        let (mut variables, faults) = process_environment();
        anyhow::ensure!(faults.is_empty(), "{faults}");
        let mut set = |name: &str| variables.remove(name).filter(|value| !value.is_empty());
        let url = match (&typed.data_dir, typed.database_url) {
            (Some(_), _) => None,
            (None, Some(url)) => Some(url),
            (None, None) => set("DATABASE_URL"),
        };
        if let Some(url) = url {
            let target = Target::parse(&url)
                .map_err(|fault| anyhow!("{fault}; it is postgres://user:password@host:port/database"))
                .context("the database's URL cannot be used")?;
            let schema = record.schema_name();
            let target = Box::new(target);
            return Ok(Place::Schema { target, schema });
        }
        let directory = typed.data_dir.or_else(|| set("DATA_DIR").map(PathBuf::from));
        let directory = directory.unwrap_or_else(|| PathBuf::from("./data"));
        Ok(Place::File(directory.join(record.file_name())))
    }

    /// Everything that lies there, and its bytes on disk.
    pub(super) async fn dump(&self) -> Result<(Contents, u64)> {
        match self {
            Place::File(path) => Ok(Embedded::dump(path)?),
            Place::Schema { target, schema } => {
                let scope = scope();
                let dumped = Postgres::dump(&Database::new(Target::clone(target), &scope), schema).await;
                scope.stop(GRACE).await;
                Ok(dumped?)
            }
        }
    }

    /// What is wrong below the rows, as far as the place can say: a file is checked page by page, a database looks after its own.
    pub(super) fn damage(&self) -> Result<Vec<String>> {
        match self {
            Place::File(path) => Ok(Embedded::damage(path)?),
            Place::Schema { .. } => Ok(Vec::new()),
        }
    }

    /// Puts everything there, where nothing is.
    pub(super) async fn restore(&self, contents: &Contents) -> Result<()> {
        match self {
            Place::File(path) => {
                if let Some(directory) = path.parent() {
                    std::fs::create_dir_all(directory)
                        .with_context(|| format!("the directory {} cannot be made", directory.display()))?;
                }
                Ok(Embedded::restore(path, contents)?)
            }
            Place::Schema { target, schema } => {
                let scope = scope();
                let restored = Postgres::restore(&Database::new(Target::clone(target), &scope), schema, contents).await;
                scope.stop(GRACE).await;
                Ok(restored?)
            }
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File(path) => path.display().fmt(f),
            Place::Schema { target, schema } => write!(f, "{schema} at {}", target.place()),
        }
    }
}

fn scope() -> Scope {
    Scope::new("store", tracing::Span::none())
}
