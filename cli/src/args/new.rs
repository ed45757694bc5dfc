//! Beginning a service or a fleet.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum New {
    /// A service of the fleet in this folder: a crate with a method, a job, an event, a page and tests, its contract, its entry in the
    /// registry with its rights, its place in the program and a page of documentation. All of it is written, or nothing.
    Service(NewService),
    /// A fleet of your own, with its own registry and domain and a first service; it depends on the SDK, and has none of our services.
    Fleet(NewFleet),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct NewService {
    /// Its key: its folder, its name under the domain, and what people type.
    pub(crate) key: String,
    /// Services that may call its methods, by key, separated by commas. Those that may call every other service may call this one anyway.
    #[arg(long, value_delimiter = ',', value_name = "KEY")]
    pub(crate) called_by: Vec<String>,
    /// Services whose methods it may call, by key, separated by commas.
    #[arg(long, value_delimiter = ',', value_name = "KEY")]
    pub(crate) calls: Vec<String>,
    /// The port on which it listens where it has a machine or a container to itself.
    #[arg(long = "listen", default_value_t = 8000, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) listens_on: u16,
    /// Only its entry in the registry: the service is written in another language, or lies in another repository.
    #[arg(long)]
    pub(crate) registry_only: bool,
    /// Say what would be written, and write nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct NewFleet {
    /// Its name: the beginning of every package's name.
    pub(crate) name: String,
    /// Where it is made; a folder of its name unless said.
    pub(crate) folder: Option<PathBuf>,
    /// The domain under which its services are found.
    #[arg(long)]
    pub(crate) domain: String,
    /// The key of its first service.
    #[arg(long, default_value = "hello", value_name = "KEY")]
    pub(crate) service: String,
    /// Where the SDK comes from: a clone of its repository on this machine, or a URL that git knows. The clone in which this is typed, else
    /// the repository of the release that this program is.
    #[arg(long, value_name = "FOLDER|URL")]
    pub(crate) sdk: Option<String>,
    /// The tag of the SDK's repository, where --sdk is a URL; that of this program's release unless said.
    #[arg(long, value_name = "TAG")]
    pub(crate) tag: Option<String>,
    /// Say what would be written, and write nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
}
