//! What services offer one another.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum Contract {
    /// Write what each service of this program offers, a file for each.
    Export {
        /// The folder.
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
    /// Say what of another fleet's contracts this program's services would break, and who calls it. Fails where somebody does.
    Check(ContractCheck),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ContractCheck {
    /// What callers were built with: an environment whose services are asked, or a folder that `export` wrote.
    #[arg(long, value_name = "ENV|DIR")]
    pub(crate) against: String,
    /// Only this service, by key or name; several are separated by commas.
    #[arg(long, value_name = "KEY", value_delimiter = ',')]
    pub(crate) service: Vec<String>,
}
