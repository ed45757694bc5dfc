//! What a service keeps, as it lies there.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum Store {
    /// How many rows and bytes, since when, and jobs by status.
    Stats(StoreOf),
    /// Check that everything agrees; names each rule that is broken, and fails where one is.
    Verify(StoreOf),
    /// Write all that a service keeps to a file.
    Export(StoreFile),
    /// Put what was exported where the service keeps nothing yet.
    Import(StoreFile),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct StoreOf {
    /// The service.
    pub(crate) service: String,
    #[command(flatten)]
    pub(crate) place: StorePlace,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct StoreFile {
    /// The service.
    pub(crate) service: String,
    /// The dump; - is standard output or input.
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) place: StorePlace,
}

/// Where the data lies; as for a fleet, the environment says it where nothing is typed.
#[derive(Debug, ClapArgs)]
pub(crate) struct StorePlace {
    /// The directory of the services' files; DATA_DIR or ./data where neither option nor DATABASE_URL is given.
    #[arg(long, value_name = "DIR", conflicts_with = "database_url")]
    pub(crate) data_dir: Option<PathBuf>,
    /// The PostgreSQL database of the services' schemas; DATABASE_URL keeps its password out of the list of processes.
    #[arg(long, value_name = "URL")]
    pub(crate) database_url: Option<String>,
}
