//! What a service offers, as data: taken from this program or from a running fleet, kept in files, and compared.
//!
//! A contract is broken where who was built with the old one could not live with the new one: send what is no longer taken, or read what is
//! no longer said.

pub(crate) mod breaks;
pub(crate) mod callers;
pub(crate) mod collect;
mod openapi;
mod reads;
mod schema;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(crate) use breaks::{Break, Kind, breaks};

/// Every service's contract, by key.
pub(crate) type Contracts = BTreeMap<String, Contract>;

/// What one service offers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Contract {
    /// Its version, for people.
    pub(crate) version: String,
    /// Methods by name; what their schemas refer to stands in each.
    pub(crate) methods: BTreeMap<String, Operation>,
    /// What it answers over HTTP, by verb and path.
    pub(crate) routes: BTreeMap<String, Operation>,
    /// What the schemas of routes refer to, by name.
    pub(crate) schemas: Map<String, Value>,
}

/// What is taken and what is given, as JSON Schema.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Operation {
    /// What callers send.
    pub(crate) params: Value,
    /// What they read.
    pub(crate) result: Value,
    /// Whether there is one result after the other.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) stream: bool,
}
