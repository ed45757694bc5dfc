//! Statements of revocation, as a service keeps them: in a namespace of the kernel's own, so that a restart forgets none.

use std::sync::Arc;

use super::{Context, Kernel};
use crate::audit::Record;
use crate::error::Result;
use crate::name::{Namespace, Prefix};
use crate::state::State;
use crate::store::Condition;
use crate::wire::{RevocationsTaken, Revoked};

/// Where they are kept.
const NAMESPACE: &str = "revoked";

impl Kernel {
    /// Takes statements that the root signed: kept first, then in force, so that none is in force that a restart would forget. Where
    /// somebody asks for it, each is on the record in the commit that keeps it.
    ///
    /// # Errors
    /// `REVOCATION_INVALID` where the root did not sign one; those before it are taken. Where the store refuses.
    pub async fn revoke(&self, statements: &[String], asked: Option<&Context>) -> Result<RevocationsTaken> {
        let Some(verifier) = self.gate.verifier() else {
            // Nobody is asked for a token here, so none can be refused.
            return Ok(RevocationsTaken { taken: 0, known: 0 });
        };
        let kept = self.revocations();
        let mut taken = 0;
        for statement in statements {
            if let Some(revoked) = verifier.read_revocation(statement)? {
                let key = key(&revoked);
                match asked {
                    Some(asked) => {
                        let record = Record::allowed("token.revoke", &key);
                        let commit = asked.batch().put(&kept, &key, statement, Condition::Any);
                        commit.audit(record).commit().await?;
                    }
                    None => drop(kept.put(&key, statement).await?),
                }
                // Who follows the store may have put it into force already; it is in force in any case.
                verifier.revoke(statement)?;
                taken += 1;
            }
        }
        Ok(RevocationsTaken {
            taken,
            known: verifier.revocations_known(),
        })
    }

    /// Puts into force what is kept: at boot, before a door opens. What has ended since, or was signed by a root that is trusted no more,
    /// is forgotten.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub(crate) async fn recall_revocations(&self) -> Result<()> {
        let Some(verifier) = self.gate.verifier() else {
            return Ok(());
        };
        let kept = self.revocations();
        for (key, statement) in kept.list::<String>(&Prefix::all()).await? {
            if verifier.revoke(&statement).is_err() {
                kept.delete(&key, Condition::Any).await?;
            }
        }
        Ok(())
    }

    /// Puts into force what other replicas take, for as long as the service runs.
    pub(crate) async fn follow_revocations(self: Arc<Self>) {
        let kept = self.revocations();
        let mut watch = kept.watch(Prefix::all(), kept.now());
        // Between the recall and this there may have been one.
        if let Err(error) = self.recall_revocations().await {
            tracing::warn!(error = %error.chain(), "revocations that other replicas took could not be read");
        }
        while let Ok(changes) = watch.next().await {
            let statements = changes
                .into_iter()
                .filter_map(|change| change.entry?.value.to::<String>().ok());
            for statement in statements {
                if let Some(verifier) = self.gate.verifier() {
                    // One that does not verify here does not where it was taken either: the roots are the same or about to be.
                    let _ = verifier.revoke(&statement);
                }
            }
        }
    }

    fn revocations(&self) -> State {
        State::new(
            Arc::clone(&self.store),
            Namespace::kernel(NAMESPACE),
            self.clock.clone(),
        )
    }
}

fn key(revoked: &Revoked) -> String {
    match revoked {
        Revoked::Jti(jti) => format!("jti/{jti}"),
        Revoked::Key(key) => format!("key/{key}"),
        Revoked::Subject(subject) => format!("subject/{subject}"),
    }
}
