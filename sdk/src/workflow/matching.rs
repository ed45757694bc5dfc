//! Whether an event's data hold what a run waits for.

use serde_json::Value;

use crate::wire::Json;

/// Whether data hold every field that is asked for, however deep; lists and plain values must be equal. `null` asks for nothing.
pub(super) fn holds(data: Option<&Json>, asked: &Value) -> bool {
    asked.is_null() || data.is_some_and(|data| contains(&data.value(), asked))
}

fn contains(data: &Value, asked: &Value) -> bool {
    match (data, asked) {
        (Value::Object(data), Value::Object(asked)) => asked
            .iter()
            .all(|(field, asked)| data.get(field).is_some_and(|data| contains(data, asked))),
        _ => data == asked,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn data_hold_what_is_asked_when_every_field_is_there() {
        let data = Json::from(json!({ "order": { "id": 7, "lines": [1, 2] }, "by": "ann" }));
        for (asked, held) in [
            (json!(null), true),
            (json!({}), true),
            (json!({ "by": "ann" }), true),
            (json!({ "order": { "id": 7 } }), true),
            (json!({ "order": { "lines": [1, 2] } }), true),
            (json!({ "order": { "lines": [1] } }), false),
            (json!({ "order": { "id": 8 } }), false),
            (json!({ "other": null }), false),
            (json!("ann"), false),
        ] {
            assert_eq!(holds(Some(&data), &asked), held, "{asked}");
        }
        assert!(!holds(None, &json!({})) && holds(None, &Value::Null));
    }
}
