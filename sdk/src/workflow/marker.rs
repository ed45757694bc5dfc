//! What a replay must see as it was: versions of the code, the time, chance.

use chrono::{DateTime, Utc};

use super::handle::{Handle, decode, encode};
use super::journal::{Asked, outcome};
use super::record::StepKind;
use super::step::StepPolicy;
use crate::error::{Error, Result};
use crate::policy::jitter;
use crate::wire::{Json, Timestamp};

impl Handle {
    /// Guards a change of the code: gives `newest` in a run that comes here for the first time, and 0 in one whose journal was written
    /// by code without this marker. A run keeps the version that it was given.
    ///
    /// ```ignore
    /// if flow.version("check for fraud", 1).await? >= 1 {
    ///     flow.step("check for fraud", || check(order)).await?;
    /// }
    /// ```
    ///
    /// # Errors
    /// `CONFLICT` where the run was given a version that this code no longer knows.
    pub async fn version(&self, change: &str, newest: u32) -> Result<u32> {
        let (record, revision, version) = match self.ask(&format!("version {change}"), StepKind::Version, None).await? {
            Asked::Open(record, revision) => (record, revision, newest),
            Asked::Outdated(record) => (record, None, 0),
            Asked::Ended(record) => {
                let version = decode(change, &outcome(&record)?)?;
                return if version <= newest {
                    Ok(version)
                } else {
                    Err(Error::conflict(format!(
                        "the run is at version {version} of {change:?}, and this code knows versions up to {newest}; run the newer code"
                    ))
                    .with_code(super::CHANGED))
                };
            }
            Asked::Never => return std::future::pending().await,
        };
        decode(change, &self.conclude(record, revision, encode(&version)).await?)
    }

    /// The time, as it was when the run first came here.
    ///
    /// # Errors
    /// Where the run has too many steps.
    pub async fn now(&self) -> Result<DateTime<Utc>> {
        let now: Timestamp = self.value("now", || encode(&Timestamp(self.clock_now()))).await?;
        Ok(now.0)
    }

    /// A number in `0.0..1.0`, as it was drawn when the run first came here.
    ///
    /// # Errors
    /// Where the run has too many steps.
    pub async fn random(&self) -> Result<f64> {
        self.value("random", || encode(&jitter())).await
    }

    /// A new id, as it was made when the run first came here.
    ///
    /// # Errors
    /// Where the run has too many steps.
    pub async fn new_id(&self) -> Result<String> {
        self.value("id", || encode(&crate::name::new_id())).await
    }

    pub(super) async fn value<T: serde::de::DeserializeOwned>(
        &self,
        name: &str,
        value: impl Fn() -> Result<Json> + Send + Sync,
    ) -> Result<T> {
        let work = || {
            let value = value();
            Box::pin(std::future::ready(value)) as futures_util::future::BoxFuture<'_, Result<Json>>
        };
        let value = self
            .perform(name, StepKind::Value, None, &StepPolicy::default(), &work)
            .await?;
        decode(name, &value)
    }
}
