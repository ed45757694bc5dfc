//! The platform's configuration.

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum Railway {
    /// Write railway/fleet.ts and .railway/railway.ts from registry.toml and the cargo graph.
    Render,
    /// Say what would go wrong on the platform: what, where, and what to do. Fails where there is anything.
    Check,
}
