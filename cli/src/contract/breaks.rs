//! What of one contract another one breaks.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::reads::{Side, faults};
use super::schema::Schema;
use super::{Contract, Operation};

/// What kind of thing is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// Called by name.
    Method,
    /// Asked for by verb and path.
    Route,
}

/// Something that who was built with the old contract would stumble over.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Break {
    pub(crate) kind: Kind,
    /// The method, or the verb and path.
    pub(crate) operation: String,
    /// Where in it: `params.email`, `result.user.id`; empty is all of it.
    pub(crate) at: String,
    pub(crate) what: String,
}

/// Everything in which what is offered is not what was expected.
pub(crate) fn breaks(expected: &Contract, offered: &Contract) -> Vec<Break> {
    let mut found = Vec::new();
    let own = |operation: &Operation, side: Side| {
        let schema = match side {
            Side::Params => &operation.params,
            Side::Result => &operation.result,
        };
        (schema.clone(), schema.clone())
    };
    family(Kind::Method, &expected.methods, &offered.methods, own, own, &mut found);
    let among = |contract: &Contract| {
        let root = json!({ "components": { "schemas": contract.schemas } });
        move |operation: &Operation, side: Side| match side {
            Side::Params => (root.clone(), operation.params.clone()),
            Side::Result => (root.clone(), operation.result.clone()),
        }
    };
    family(
        Kind::Route,
        &expected.routes,
        &offered.routes,
        among(expected),
        among(offered),
        &mut found,
    );
    found
}

/// One sort of operations: by name in both, with the document that the schemas of each refer to.
fn family(
    kind: Kind,
    expected: &BTreeMap<String, Operation>,
    offered: &BTreeMap<String, Operation>,
    expected_schema: impl Fn(&Operation, Side) -> (Value, Value),
    offered_schema: impl Fn(&Operation, Side) -> (Value, Value),
    found: &mut Vec<Break>,
) {
    for (name, old) in expected {
        let mut tell = |at: String, what: String| {
            found.push(Break {
                kind,
                operation: name.clone(),
                at,
                what,
            });
        };
        let Some(new) = offered.get(name) else {
            tell(String::new(), "is gone".to_owned());
            continue;
        };
        match (old.stream, new.stream) {
            (false, true) => tell(String::new(), "gave one result and gives a stream now".to_owned()),
            (true, false) => tell(String::new(), "gave a stream and gives one result now".to_owned()),
            _ => {}
        }
        for (side, word) in [(Side::Params, "params"), (Side::Result, "result")] {
            let (old_root, old_at) = expected_schema(old, side);
            let (new_root, new_at) = offered_schema(new, side);
            let (old, new) = (Schema::of(&old_root, &old_at), Schema::of(&new_root, &new_at));
            let (reader, writer) = match side {
                Side::Params => (new, old),
                Side::Result => (old, new),
            };
            for fault in faults(reader, writer, side) {
                let path = fault.path;
                let dot = if path.is_empty() || path.starts_with('[') {
                    ""
                } else {
                    "."
                };
                tell(format!("{word}{dot}{path}"), fault.what);
            }
        }
    }
}
