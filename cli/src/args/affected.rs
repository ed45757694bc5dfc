//! Which services a change touches.

use clap::Args as ClapArgs;

#[derive(Debug, ClapArgs)]
pub(crate) struct Affected {
    /// What has changed since this commit, in the working tree too; HEAD where no paths are named.
    #[arg(long, value_name = "REV")]
    pub(crate) since: Option<String>,
    /// Paths that changed, from the root of the repository.
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<String>,
}
