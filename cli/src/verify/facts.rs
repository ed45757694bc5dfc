//! One thing that is known of a service.

use serde::Serialize;

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    /// As it should be.
    Well,
    /// Not as it should be.
    Drift,
    /// Nobody can tell, or it does not matter here.
    Unknown,
}

/// A cell, and the sentence beneath the table.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Fact {
    pub(super) state: State,
    /// A word or two.
    pub(super) told: String,
    /// What is wrong and what to do, after the service's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) says: Option<String>,
}

impl Fact {
    pub(super) fn well(told: impl Into<String>) -> Self {
        Fact {
            state: State::Well,
            told: told.into(),
            says: None,
        }
    }

    pub(super) fn drift(told: impl Into<String>, says: impl Into<String>) -> Self {
        Fact {
            state: State::Drift,
            told: told.into(),
            says: Some(says.into()),
        }
    }

    pub(super) fn unknown(told: impl Into<String>) -> Self {
        Fact {
            state: State::Unknown,
            told: told.into(),
            says: None,
        }
    }

    /// The same, with why nobody can tell.
    pub(super) fn since(mut self, says: impl Into<String>) -> Self {
        self.says = Some(says.into());
        self
    }

    pub(super) fn is_drift(&self) -> bool {
        self.state == State::Drift
    }
}
