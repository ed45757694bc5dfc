use serde_json::json;

use super::*;
use crate::contract::{Contract, Operation, breaks};

/// What a caller of the old method stumbles over in the new one, told as `place: what`.
fn broken(old: &Value, new: &Value) -> Vec<String> {
    let contract = |told: &Value| {
        let operation = Operation {
            params: told.get("params").cloned().unwrap_or(Value::Bool(true)),
            result: told.get("result").cloned().unwrap_or(Value::Bool(true)),
            stream: told["stream"] == true,
        };
        Contract {
            methods: [("get".to_owned(), operation)].into(),
            ..Contract::default()
        }
    };
    let found = breaks(&contract(old), &contract(new));
    found
        .into_iter()
        .map(|one| format!("{}: {}", one.at, one.what))
        .collect()
}

fn object(properties: Value, required: &[&str]) -> Value {
    json!({ "type": "object", "properties": properties, "required": required })
}

#[test]
fn a_method_that_is_gone_is_told() {
    let operation = Operation {
        params: Value::Bool(true),
        result: Value::Bool(true),
        stream: false,
    };
    let old = Contract {
        methods: [("get".to_owned(), operation.clone())].into(),
        routes: [("GET /users".to_owned(), operation)].into(),
        ..Contract::default()
    };
    let found = breaks(&old, &Contract::default());
    let told: Vec<_> = found
        .iter()
        .map(|one| (one.operation.as_str(), one.at.as_str(), one.what.as_str()))
        .collect();
    assert_eq!(told, [("get", "", "is gone"), ("GET /users", "", "is gone")]);
    assert_eq!(breaks(&Contract::default(), &old), []);
}

#[test]
fn each_rule_of_what_callers_send() {
    let (text, number) = (
        json!({ "type": "string" }),
        json!({ "type": "integer", "format": "int64" }),
    );
    let one = |schema: Value| json!({ "params": object(json!({ "x": schema }), &["x"]) });
    for (old, new, said) in [
        (
            one(text.clone()),
            json!({ "params": object(json!({ "x": text, "y": text }), &["x", "y"]) }),
            "params.y: is new and must be sent, which callers do not do",
        ),
        (
            json!({ "params": object(json!({ "x": text }), &[]) }),
            one(text.clone()),
            "params.x: must be sent now",
        ),
        (
            one(text.clone()),
            one(number.clone()),
            "params.x: was string and is integer now",
        ),
        (
            one(json!({ "type": ["string", "null"] })),
            one(text.clone()),
            "params.x: may no longer be null",
        ),
        (
            one(json!({ "enum": ["a", "b"] })),
            one(json!({ "enum": ["a"] })),
            "params.x: is no longer \"b\"",
        ),
        (
            one(text.clone()),
            one(json!({ "type": "string", "enum": ["a"] })),
            "params.x: is one of \"a\" now",
        ),
        (
            one(text.clone()),
            one(json!({ "type": "string", "maxLength": 5 })),
            "params.x: has the maxLength 5 now",
        ),
        (
            one(text.clone()),
            one(json!({ "type": "string", "format": "uuid" })),
            "params.x: has the format \"uuid\" now",
        ),
        (
            one(number.clone()),
            one(json!({ "type": "integer", "format": "int32" })),
            "params.x: has the format \"int32\" now",
        ),
        (
            one(json!({ "oneOf": [text, number] })),
            one(text.clone()),
            "params.x: was integer and is string now",
        ),
        (
            one(text.clone()),
            json!({ "params": { "type": "object", "properties": {}, "additionalProperties": false } }),
            "params.x: is no longer known and is refused",
        ),
        (
            one(json!({ "type": "array", "items": number })),
            one(json!({ "type": "array", "items": text })),
            "params.x[]: was integer and is string now",
        ),
        (
            one(json!({ "type": "object", "additionalProperties": number })),
            one(json!({ "type": "object", "additionalProperties": text })),
            "params.x.*: was integer and is string now",
        ),
    ] {
        assert_eq!(broken(&old, &new), [said], "{old} → {new}");
    }
}

#[test]
fn each_rule_of_what_callers_read() {
    let (text, number) = (json!({ "type": "string" }), json!({ "type": "integer" }));
    let one = |schema: Value| json!({ "result": object(json!({ "x": schema }), &["x"]) });
    for (old, new, said) in [
        (
            one(text.clone()),
            json!({ "result": object(json!({}), &[]) }),
            "result.x: is gone",
        ),
        (
            one(text.clone()),
            json!({ "result": object(json!({ "x": text }), &[]) }),
            "result.x: is not always there now",
        ),
        (
            one(text.clone()),
            one(number.clone()),
            "result.x: was string and is integer now",
        ),
        (
            one(text.clone()),
            one(json!({ "type": ["string", "null"] })),
            "result.x: may be null now",
        ),
        (
            one(json!({ "enum": ["a"] })),
            one(json!({ "enum": ["a", "b"] })),
            "result.x: may be \"b\" now, which callers do not know",
        ),
        (
            one(json!({ "enum": ["a"] })),
            one(text.clone()),
            "result.x: was one of \"a\" and may be another now",
        ),
        (
            one(text.clone()),
            one(json!({})),
            "result.x: was string and may be anything now",
        ),
        (
            one(json!({ "type": "integer", "minimum": 1 })),
            one(number.clone()),
            "result.x: had the minimum 1 and may lie past it now",
        ),
        (
            one(number.clone()),
            one(json!({ "type": "number" })),
            "result.x: was integer and is number now",
        ),
        (
            json!({}),
            json!({ "stream": true }),
            ": gave one result and gives a stream now",
        ),
        (
            json!({ "stream": true }),
            json!({}),
            ": gave a stream and gives one result now",
        ),
    ] {
        assert_eq!(broken(&old, &new), [said], "{old} → {new}");
    }
}

#[test]
fn what_nobody_stumbles_over_is_left_alone() {
    let (text, number) = (
        json!({ "type": "string" }),
        json!({ "type": "integer", "format": "int32" }),
    );
    let both = |side: &str, old: Value, new: Value| (json!({ side: old }), json!({ side: new }));
    for (old, new) in [
        // More is taken, or less is asked for.
        both(
            "params",
            object(json!({ "x": text }), &["x"]),
            object(json!({ "x": text, "y": text }), &[]),
        ),
        both(
            "params",
            object(json!({ "x": text, "y": text }), &["x", "y"]),
            object(json!({ "x": text }), &["x"]),
        ),
        both("params", json!({ "enum": ["a"] }), json!({ "enum": ["a", "b"] })),
        both("params", number.clone(), json!({ "type": "number" })),
        both(
            "params",
            number.clone(),
            json!({ "type": "integer", "format": "int64" }),
        ),
        both("params", text.clone(), json!({ "type": ["string", "null"] })),
        both("params", text.clone(), json!({ "oneOf": [{ "type": "null" }, text] })),
        // More is said, or less often nothing.
        both(
            "result",
            object(json!({ "x": text }), &["x"]),
            object(json!({ "x": text, "y": number }), &["x", "y"]),
        ),
        both(
            "result",
            object(json!({ "x": text }), &[]),
            object(json!({ "x": text }), &["x"]),
        ),
        both("result", object(json!({ "x": text }), &[]), object(json!({}), &[])),
        both("result", json!({ "enum": ["a", "b"] }), json!({ "enum": ["a"] })),
        both("result", json!({ "type": ["string", "null"] }), text.clone()),
    ] {
        assert_eq!(broken(&old, &new), Vec::<String>::new(), "{old} → {new}");
    }
}

#[test]
fn types_are_followed_by_name_also_into_themselves_and_pieces_are_one() {
    let tree = |leaf: &str| {
        json!({
            "$ref": "#/$defs/Tree",
            "$defs": {
                "Tree": object(json!({ "leaf": { "$ref": "#/$defs/Leaf" }, "more": { "type": "array", "items": { "$ref": "#/$defs/Tree" } } }), &["leaf", "more"]),
                "Leaf": { "allOf": [object(json!({ "id": { "type": leaf } }), &["id"]), object(json!({ "name": { "type": "string" } }), &["name"])] },
            },
        })
    };
    let (old, new) = (
        json!({ "result": tree("string") }),
        json!({ "result": tree("integer") }),
    );
    assert_eq!(broken(&old, &old), Vec::<String>::new());
    assert_eq!(broken(&old, &new), ["result.leaf.id: was string and is integer now"]);
    let nowhere = json!({ "result": { "$ref": "#/$defs/Nobody" } });
    assert_eq!(broken(&nowhere, &nowhere), Vec::<String>::new());
    let loops = json!({ "result": { "$ref": "#/$defs/A", "$defs": { "A": { "$ref": "#/$defs/A" } } } });
    assert_eq!(broken(&loops, &loops), Vec::<String>::new());
}
