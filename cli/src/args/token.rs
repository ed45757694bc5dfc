//! Capability tokens and the keys that sign them.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as ClapArgs, Subcommand};
use syscall_sdk::auth::Right;

use super::read::{duration, parsed};

#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Make a root key: its private half into a file, its public half to be set as SYSCALL_ROOT_KEYS.
    Keygen(Keygen),
    /// Make a token: that of a service as the registry has it, or one of given rights.
    Mint(Mint),
    /// Sign a narrower token with the one that --token holds, without asking anybody.
    Narrow(Narrow),
    /// Show what a token says, link by link, and whether it would be let in.
    Inspect(Inspect),
    /// Have a token, a key or all tokens of a subject refused by every service, at once.
    Revoke(Revoke),
    /// Make the next root key and every service's token signed with it, and say in which order to set them.
    Rotate(Rotate),
}

/// The root key that signs.
#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct RootKey {
    /// The file of the root key.
    #[arg(
        long,
        env = "BLACKROAD_ROOT_KEY_FILE",
        default_value = "root.key",
        value_name = "FILE"
    )]
    pub(crate) root_key: PathBuf,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Keygen {
    /// Where the private half goes; a file that is there is left alone.
    #[arg(long, default_value = "root.key", value_name = "FILE")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Mint {
    /// The service whose token it is, by key or name: it says what the registry says of it.
    #[arg(required_unless_present_any = ["subject", "all"])]
    pub(crate) service: Option<String>,
    /// Every service's token, each into {key}.token in the directory that --out names.
    #[arg(long, requires = "out", conflicts_with_all = ["service", "subject", "right"])]
    pub(crate) all: bool,
    /// With --all: in the place of tokens that are there.
    #[arg(long, requires = "all")]
    pub(crate) replace: bool,
    /// Who holds it, where that is no service: a program or a person.
    #[arg(long, value_name = "NAME", conflicts_with = "service", requires = "right")]
    pub(crate) subject: Option<String>,
    /// What it allows, such as 'state read orders/'; may be given several times. For a service these take the place of the registry's.
    #[arg(long, value_parser = parsed::<Right>, value_name = "RIGHT")]
    pub(crate) right: Vec<Right>,
    /// At which services it is good, by key, separated by commas; every one unless said.
    #[arg(long, value_delimiter = ',', value_name = "KEY")]
    pub(crate) at: Vec<String>,
    /// How long it lives, such as 12h or 30d, which is the most; of one that is shown as it is, 366d are.
    #[arg(long, value_parser = duration, default_value = "30d", value_name = "LENGTH")]
    pub(crate) life: Duration,
    /// Without a key: shown as it is, by clients that can send a fixed header and nothing else.
    #[arg(long, conflicts_with_all = ["service", "all"])]
    pub(crate) bearer: bool,
    /// Into this file, which only its owner may read; to standard output unless said.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) root: RootKey,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Narrow {
    /// What it allows; may be given several times.
    #[arg(long, required = true, value_parser = parsed::<Right>, value_name = "RIGHT")]
    pub(crate) right: Vec<Right>,
    /// At which services it is good, by key, separated by commas.
    #[arg(long, required = true, value_delimiter = ',', value_name = "KEY")]
    pub(crate) at: Vec<String>,
    /// How long it lives; never longer than what it is narrowed from.
    #[arg(long, value_parser = duration, default_value = "5m", value_name = "LENGTH")]
    pub(crate) life: Duration,
    /// With a key of its own, so that it can be narrowed in turn.
    #[arg(long)]
    pub(crate) with_key: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Inspect {
    /// The token, with or without its key; - reads it from standard input, and what --token holds is taken where none is given.
    pub(crate) token: Option<String>,
    /// The public root keys to check it against, separated by commas.
    #[arg(long, env = "SYSCALL_ROOT_KEYS", value_name = "KEYS", allow_hyphen_values = true)]
    pub(crate) root_keys: Option<String>,
}

#[derive(Debug, ClapArgs)]
#[group(required = true, multiple = false)]
pub(crate) struct Revoked {
    /// A token by its jti, or the token itself as it was found, with all that was narrowed from it.
    #[arg(value_name = "JTI|TOKEN")]
    pub(crate) jti: Option<String>,
    /// All tokens that name this key, by its thumbprint.
    #[arg(long, value_name = "THUMBPRINT", allow_hyphen_values = true)]
    pub(crate) key: Option<String>,
    /// All tokens of a subject that were made until now, such as service:core.
    #[arg(long, value_name = "NAME")]
    pub(crate) subject: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Revoke {
    #[command(flatten)]
    pub(crate) what: Revoked,
    #[command(flatten)]
    pub(crate) root: RootKey,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Rotate {
    /// The file of the next root key.
    #[arg(long, value_name = "FILE")]
    pub(crate) next: PathBuf,
    /// The directory of the services' new tokens.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) root: RootKey,
}
