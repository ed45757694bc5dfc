//! The OpenAPI documents: a generator of clients can read every one of them.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
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
    assert_eq!(services.len(), crate::fleet::SERVICES.len());
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

/// The operations of version 2.0 of the contract.
const V2: [(&str, &str); 18] = [
    ("get", "/health"),
    ("get", "/version"),
    ("get", "/v1/sys/identity"),
    ("get", "/v1/sys/health"),
    ("get", "/v1/sys/version"),
    ("get", "/v1/sys/config"),
    ("post", "/v1/sys/log"),
    ("get", "/v1/sys/logs"),
    ("post", "/v1/sys/metric"),
    ("get", "/v1/sys/metrics"),
    ("post", "/v1/sys/rpc"),
    ("post", "/v1/sys/event"),
    ("get", "/v1/sys/events"),
    ("post", "/v1/sys/job"),
    ("get", "/v1/sys/job/{id}"),
    ("post", "/v1/sys/job/{id}/cancel"),
    ("get", "/v1/sys/state"),
    ("put", "/v1/sys/state"),
];

/// Of a service's document, what a service in another language answers too: the operations of 2.0 and the schemas that they lead to.
fn of_v2(document: &Value) -> Result<Value> {
    let mut paths = serde_json::Map::new();
    for (verb, path) in V2 {
        let operation = document["paths"][path].get(verb);
        let operation = operation.with_context(|| format!("{verb} {path} is there"))?.clone();
        let item = paths.entry(path).or_insert_with(|| json!({}));
        item[verb] = operation;
    }
    let (mut wanted, mut schemas) = (BTreeSet::new(), serde_json::Map::new());
    look(&Value::Object(paths.clone()), &mut wanted, &mut 0);
    while let Some(reference) = wanted.pop_first() {
        let name = reference.rsplit('/').next().unwrap_or_default().to_owned();
        let place = reference.trim_start_matches('#');
        if place.starts_with("/components/schemas/") && !schemas.contains_key(&name) {
            let schema = document.pointer(place).context("a reference leads somewhere")?.clone();
            look(&schema, &mut wanted, &mut 0);
            schemas.insert(name, schema);
        }
    }
    let mut components = document["components"].clone();
    components["schemas"] = Value::Object(schemas);
    Ok(json!({
        "openapi": document["openapi"],
        "info": {
            "title": "The syscall contract, level 2.0",
            "version": "2.0",
            "description": "What a service of the fleet answers in any language. The core family and rpc are required, the others recommended. \
                            Optional fields and parameters that 2.0 does not know may be left out; docs/reference/syscalls.md says which rows are 2.0.",
        },
        "paths": paths,
        "components": components,
    }))
}

#[test]
fn the_document_of_2_0_in_the_docs_is_what_a_service_answers() -> Result<()> {
    let fleet = Fleet::start(&["--amnesia", "--only", "root"])?;
    let (status, document) = fleet.send("GET", "root", "/v1/sys/openapi.json", &json!(null))?;
    ensure!(status == 200, "{status}");
    let document = of_v2(&document)?;
    check("2.0", &document);
    let text = serde_json::to_string_pretty(&document)? + "\n";
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference/openapi-2.0.json");
    if std::fs::read_to_string(&place).unwrap_or_default() != text {
        let fresh = Path::new(env!("CARGO_TARGET_TMPDIR")).join("openapi-2.0.json");
        std::fs::write(&fresh, text)?;
        anyhow::bail!(
            "{} is not what a service answers; if that is right, copy {} there",
            place.display(),
            fresh.display()
        );
    }
    Ok(())
}
