//! The OpenAPI documents: a generator of clients can read every one of them.

use std::collections::BTreeSet;

use anyhow::Result;
use serde_json::{Value, json};

use crate::binary::Fleet;

/// Every reference of a document, and every list of alternatives that is empty.
fn look(value: &Value, references: &mut BTreeSet<String>, empty: &mut usize) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(target) if name == "$ref" => drop(references.insert(target.clone())),
                    Value::Array(list) if ["anyOf", "oneOf", "allOf"].contains(&name.as_str()) && list.is_empty() => {
                        *empty += 1;
                    }
                    other => look(other, references, empty),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| look(item, references, empty)),
        _ => {}
    }
}

fn check(whose: &str, document: &Value) {
    let (mut references, mut empty) = (BTreeSet::new(), 0);
    look(document, &mut references, &mut empty);
    assert_eq!(empty, 0, "{whose}: a list of alternatives has some");
    for reference in references {
        let place = reference.trim_start_matches('#');
        assert!(document.pointer(place).is_some(), "{whose}: {reference} leads nowhere");
    }
    let mut ids = BTreeSet::new();
    let paths = document["paths"].as_object().expect("there are paths");
    for (path, item) in paths {
        for (verb, operation) in item.as_object().expect("a path has operations") {
            let Some(id) = operation["operationId"].as_str() else {
                continue;
            };
            assert!(ids.insert(id), "{whose}: {verb} {path} is named {id} like another");
            let responses = operation["responses"].as_object().map_or(0, serde_json::Map::len);
            assert!(responses > 0, "{whose}: {verb} {path} says what it answers");
        }
    }
}

#[test]
fn every_document_leads_somewhere_with_each_reference_and_names_each_operation_once() -> Result<()> {
    let fleet = Fleet::start(&["--amnesia"])?;
    let services = fleet.told["services"].as_array().expect("it lists them").clone();
    assert_eq!(services.len(), 9);
    for service in services {
        let key = service["key"].as_str().expect("each has a key");
        let (status, document) = fleet.send("GET", key, "/v1/sys/openapi.json", &json!(null))?;
        assert_eq!(status, 200, "{key}");
        check(key, &document);
    }
    let (status, document) = fleet.send("GET", "api", "/openapi.json", &json!(null))?;
    assert_eq!(status, 200);
    check("the fleet", &document);
    Ok(())
}
