//! Whether what runs is what was meant.

use clap::Args as ClapArgs;

#[derive(Debug, ClapArgs)]
pub(crate) struct Verify {
    /// The commit that should run; that of this checkout unless said.
    #[arg(long, value_name = "SHA")]
    pub(crate) commit: Option<String>,
    /// Only this service, by key or name; several are separated by commas.
    #[arg(long, value_name = "KEY", value_delimiter = ',')]
    pub(crate) service: Vec<String>,
}
