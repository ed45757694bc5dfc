//! The routes of an OpenAPI document as operations like any other.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Operation;

/// Media whose schema says something.
const JSON: &str = "application/json";

/// The operations by verb and path, and the schemas that they refer to.
pub(super) fn routes(document: &Value) -> (BTreeMap<String, Operation>, Map<String, Value>) {
    let mut routes = BTreeMap::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for (verb, told) in item.as_object().into_iter().flatten() {
            let operation = Operation {
                params: params(told),
                result: result(told),
                stream: false,
            };
            routes.insert(format!("{} {path}", verb.to_uppercase()), operation);
        }
    }
    let schemas = document["components"]["schemas"]
        .as_object()
        .cloned()
        .unwrap_or_default();
    (routes, schemas)
}

/// Parameters and body as the members of one object.
fn params(told: &Value) -> Value {
    let mut properties = Map::new();
    let mut required: Vec<Value> = Vec::new();
    for parameter in told["parameters"].as_array().into_iter().flatten() {
        let Some(name) = parameter["name"].as_str() else {
            continue;
        };
        let place = parameter["in"].as_str().unwrap_or_default();
        let name = format!("{place}.{name}");
        if parameter["required"] == true {
            required.push(name.clone().into());
        }
        properties.insert(name, parameter["schema"].clone());
    }
    if let Some(body) = told["requestBody"]["content"][JSON].get("schema") {
        if told["requestBody"]["required"] == true {
            required.push("body".into());
        }
        properties.insert("body".to_owned(), body.clone());
    }
    json!({ "type": "object", "properties": properties, "required": required })
}

/// What comes when all went well, by status: each is a member that a client may meet.
fn result(told: &Value) -> Value {
    let mut statuses = Map::new();
    for (status, answer) in told["responses"].as_object().into_iter().flatten() {
        if let Some(schema) = answer["content"][JSON].get("schema")
            && status.starts_with('2')
        {
            statuses.insert(status.clone(), schema.clone());
        }
    }
    json!({ "type": "object", "properties": statuses })
}
