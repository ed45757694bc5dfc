//! The audit trail.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};
use syscall_sdk::wire::AuditHead;

use super::read::word;

#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Who did what, newest first.
    List(AuditList),
    /// Check the chain: names every entry that was changed, removed or moved, and fails where there is one.
    Verify(AuditVerify),
    /// Write the whole trail as JSON lines, oldest first.
    Export(AuditExport),
    /// Where the chain ends, to be kept elsewhere and given to verify.
    Head,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct AuditList {
    /// Only this action, or with a trailing * every action that starts so.
    #[arg(long)]
    pub(crate) action: Option<String>,
    /// Only of this actor, such as user/7.
    #[arg(long)]
    pub(crate) actor: Option<String>,
    /// Only on this.
    #[arg(long)]
    pub(crate) target: Option<String>,
    /// Only allowed, denied or failed.
    #[arg(long, value_parser = word::<syscall_sdk::wire::AuditOutcome>)]
    pub(crate) outcome: Option<syscall_sdk::wire::AuditOutcome>,
    /// Only of this service, by key or name.
    #[arg(long)]
    pub(crate) service: Option<String>,
    /// Only of this trace.
    #[arg(long)]
    pub(crate) trace: Option<String>,
    /// Only before this entry.
    #[arg(long, value_name = "SEQUENCE")]
    pub(crate) before: Option<u64>,
    /// At most so many.
    #[arg(short = 'n', long, default_value_t = 50)]
    pub(crate) limit: usize,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct AuditVerify {
    /// An export to check instead of the fleet's own chain; - is standard input.
    pub(crate) file: Option<PathBuf>,
    /// A head that was kept elsewhere, as `blackroad audit head` prints it; may be given more than once.
    #[arg(long = "head", value_name = "SEQUENCE:HASH", value_parser = head)]
    pub(crate) heads: Vec<AuditHead>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct AuditExport {
    /// Where to; - is standard output.
    pub(crate) file: PathBuf,
}

/// Reads a head as it is printed.
fn head(text: &str) -> Result<AuditHead, String> {
    let wrong = || format!("{text:?} is no head; it is a sequence, a colon and 64 hexadecimal digits");
    let (sequence, hash) = text.split_once(':').ok_or_else(wrong)?;
    let hex = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    match sequence.parse() {
        Ok(sequence) if hex => Ok(AuditHead {
            sequence,
            hash: hash.to_ascii_lowercase(),
        }),
        _ => Err(wrong()),
    }
}
