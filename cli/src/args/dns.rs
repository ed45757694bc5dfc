//! The zones of the fleet.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};

/// Where name servers listen.
const DNS_PORT: u16 = 53;

#[derive(Debug, Subcommand)]
pub(crate) enum Dns {
    /// What would have to change at Cloudflare so that the zones are as the registry says. Changes nothing.
    Plan(DnsPlan),
    /// Show that plan, ask, and carry it out.
    Apply(DnsApply),
    /// Ask the name servers and say what differs from the registry; fails where something does.
    Check(DnsCheck),
    /// Print the records that the registry wants, for another tool.
    Export(DnsExport),
}

/// Which zones, and what the registry cannot know of them.
#[derive(Debug, ClapArgs)]
pub(crate) struct DnsZones {
    /// Only this zone; may be given several times. All zones of the registry unless said.
    #[arg(long = "zone", value_name = "NAME")]
    pub(crate) zones: Vec<String>,
    /// A file of TXT values that others hand out, a line each: a name, a blank and the value. The platform's ownership records go there
    /// where RAILWAY_TOKEN is not set, and what the registry leaves empty, such as the DKIM key.
    #[arg(long, env = "DNS_OWNERSHIP_FILE", value_name = "FILE")]
    pub(crate) ownership: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct DnsPlan {
    #[command(flatten)]
    pub(crate) zones: DnsZones,
    /// Take over records of the same name and type that say something else and are not ours.
    #[arg(long)]
    pub(crate) adopt: bool,
    /// Exit with 2 where a zone is not as the registry says, and with 0 where all are.
    #[arg(long)]
    pub(crate) detailed_exit_code: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct DnsApply {
    #[command(flatten)]
    pub(crate) zones: DnsZones,
    /// Take over records of the same name and type that say something else and are not ours.
    #[arg(long)]
    pub(crate) adopt: bool,
    /// Do not ask.
    #[arg(long)]
    pub(crate) yes: bool,
    /// Allow what the plan deletes; without it a plan that deletes is refused as a whole.
    #[arg(long)]
    pub(crate) confirm: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct DnsCheck {
    #[command(flatten)]
    pub(crate) zones: DnsZones,
    /// Ask this name server, such as 1.1.1.1 or [::1]:5353; may be given several times. The system's unless said.
    #[arg(long, value_name = "ADDRESS", value_parser = name_server)]
    pub(crate) resolver: Vec<SocketAddr>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct DnsExport {
    #[command(flatten)]
    pub(crate) zones: DnsZones,
    /// In which form.
    #[arg(long, value_enum)]
    pub(crate) format: DnsFormat,
}

/// A form that other tools read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DnsFormat {
    /// A zone file, as Cloudflare imports it; one zone at a time.
    Bind,
    /// Resources of Cloudflare's provider for Terraform, version 5.
    Terraform,
}

/// Reads an address with or without a port.
fn name_server(text: &str) -> Result<SocketAddr, String> {
    let alone = text.trim_matches(['[', ']']).parse::<IpAddr>();
    text.parse()
        .or_else(|_| alone.map(|address| SocketAddr::new(address, DNS_PORT)))
        .map_err(|_| format!("{text:?} is no address of a name server; write 1.1.1.1, 1.1.1.1:53 or [::1]:53"))
}
