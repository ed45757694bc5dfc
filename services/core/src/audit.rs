//! Every decision that matters goes through here onto the fleet's record: who, what, on what, and how it ended.

use syscall_sdk::audit::Record;
use syscall_sdk::context::{Commit, Context};
use syscall_sdk::error::Result;

/// A decision about a person or a program.
#[derive(Clone, Debug)]
pub(crate) struct Decision(Record);

impl Decision {
    /// Something that was let happen: an action, such as `key.create`, and on what, such as `user/7`.
    pub(crate) fn allowed(action: &'static str, target: impl Into<String>) -> Self {
        Decision(Record::allowed(action, target.into()))
    }

    /// Something that was refused, and why.
    pub(crate) fn denied(action: &'static str, target: impl Into<String>, why: &'static str) -> Self {
        Decision(Record::denied(action, target.into()).because(why))
    }

    /// What else an auditor asks for; never what a person has to be able to have forgotten, such as an address.
    pub(crate) fn with(self, name: &'static str, value: impl AsRef<str>) -> Self {
        Decision(self.0.with(name, value))
    }

    /// Who, where it is another than who calls: `user/7`, `client/abc`.
    pub(crate) fn by(self, actor: impl Into<String>) -> Self {
        Decision(self.0.by(actor.into()))
    }
}

/// Puts a decision on the record that writes nothing else.
///
/// # Errors
/// Those of the commit.
pub(crate) async fn note(context: &Context, decision: Decision) -> Result<()> {
    context.audit(decision.0).await
}

/// Does a write, and puts what it decides on the record with it.
///
/// # Errors
/// Those of the commit; then nothing is on the record.
pub(crate) async fn commit(commit: Commit, decision: Decision) -> Result<()> {
    commit.audit(decision.0).commit().await.map(drop)
}
