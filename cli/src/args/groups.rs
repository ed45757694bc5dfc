//! Groups of consumers, and what they and subscriptions gave up on.

use clap::{Args as ClapArgs, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum Group {
    /// Move a group to another place in the log; what its consumers hold is no longer theirs.
    Seek(SeekGroup),
    /// Forget a group and its place.
    Rm(OneGroup),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct OneGroup {
    /// The service, by key or name.
    pub(crate) service: String,
    /// The group.
    pub(crate) group: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct SeekGroup {
    #[command(flatten)]
    pub(crate) one: OneGroup,
    /// Where to: start, end, a cursor, a moment (RFC 3339), or an age such as 15m, 2h, 7d.
    pub(crate) to: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct DeadLetters {
    /// The service, by key or name.
    pub(crate) service: String,
    /// Only of this subscription, as source/event, or of this group.
    #[arg(long, value_name = "NAME")]
    pub(crate) holder: Option<String>,
    /// At most so many.
    #[arg(short = 'n', long, default_value_t = 50)]
    pub(crate) limit: usize,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DeadLetter {
    /// Show a dead letter with its event.
    Show(OneLetter),
    /// Give the event other data, to be redriven with.
    Edit(EditLetter),
    /// Try it again: a subscription's handler takes it now, a group's next fetch gets it.
    Redrive(OneLetter),
    /// Forget it.
    Rm(OneLetter),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct OneLetter {
    /// The service, by key or name.
    pub(crate) service: String,
    /// The dead letter's id.
    pub(crate) id: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct EditLetter {
    #[command(flatten)]
    pub(crate) one: OneLetter,
    /// The data, as JSON; `-` reads it from standard input.
    pub(crate) data: String,
}
