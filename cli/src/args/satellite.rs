//! The repositories that have one service each.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum Satellite {
    /// The services that have one, by key: those that are built from this checkout.
    List,
    /// Write a folder in which one service builds and passes its tests by itself.
    Export(ExportSatellite),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ExportSatellite {
    /// The service, by key or name.
    pub(crate) service: String,
    /// The folder; made where it is not there, and empty unless --replace is given.
    pub(crate) folder: PathBuf,
    /// Replace all that is in the folder, save its history in .git.
    #[arg(long)]
    pub(crate) replace: bool,
}
