//! Every decision that matters goes through here: who, what, on what, and how it ended.

use syscall_sdk::context::{Commit, Context};

/// A decision about a person or a program.
#[derive(Clone, Debug)]
pub(crate) struct Decision {
    action: &'static str,
    target: String,
    by: String,
    refused: Option<&'static str>,
}

impl Decision {
    /// Something that was let happen: an action, such as `key.create`, and on what, such as `user/7`.
    pub(crate) fn allowed(action: &'static str, target: impl Into<String>) -> Self {
        Decision {
            action,
            target: target.into(),
            by: String::new(),
            refused: None,
        }
    }

    /// Something that was refused, and why.
    pub(crate) fn denied(action: &'static str, target: impl Into<String>, why: &'static str) -> Self {
        Decision {
            refused: Some(why),
            ..Decision::allowed(action, target)
        }
    }

    /// Who, where it is another than who calls: `user/7`, `client/abc`.
    pub(crate) fn by(mut self, actor: impl Into<String>) -> Self {
        self.by = actor.into();
        self
    }

    fn tell(&self, context: &Context) {
        let caller = context.request().caller.service.as_deref().unwrap_or_default();
        let actor = if self.by.is_empty() { caller } else { &self.by };
        let outcome = if self.refused.is_none() { "allowed" } else { "denied" };
        let reason = self.refused.unwrap_or_default();
        let (action, on) = (self.action, &self.target);
        tracing::info!(
            action,
            on,
            by = actor,
            outcome,
            reason,
            "audit: {outcome} {action} {on}"
        );
    }
}

/// Puts a decision on the record that writes nothing else.
pub(crate) fn note(context: &Context, decision: &Decision) {
    decision.tell(context);
}

/// Does a write, and puts what it decides on the record with it.
///
/// # Errors
/// Those of the commit; then nothing is on the record.
pub(crate) async fn commit(context: &Context, commit: Commit, decision: Decision) -> syscall_sdk::error::Result<()> {
    commit.commit().await?;
    decision.tell(context);
    Ok(())
}
