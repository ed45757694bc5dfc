//! What the fleet costs.

use std::time::Duration;

use clap::Args as ClapArgs;

use super::duration;

#[derive(Debug, ClapArgs)]
pub(crate) struct Cost {
    /// How long the fleet is watched: 30s, 5m, 1h.
    #[arg(long = "for", value_name = "TIME", value_parser = duration, default_value = "60s")]
    pub(crate) watch: Duration,
}
