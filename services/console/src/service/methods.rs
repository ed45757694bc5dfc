//! What may be called, with a form that calls it.

use askama::Template;
use serde_json::{Map, Value};
use syscall_sdk::context::Context;
use syscall_sdk::http::pages::{command, service_url};
use syscall_sdk::pages::{Html, code_block, empty_state};
use syscall_sdk::wire::{MethodInfo, Methods};

use crate::ask;
use crate::parts::{self, Failed, by_hand, quoted};

#[derive(Template)]
#[template(path = "method.html")]
struct Method<'a> {
    service: &'a str,
    name: &'a str,
    description: &'a str,
    idempotent: bool,
    example: String,
    params: Html,
    result: Html,
    command: Html,
}

pub(crate) async fn section(context: &Context, key: &str) -> Html {
    let methods = ask::get::<Methods>(context, key, "/v1/sys/rpc")
        .await
        .map_err(Failed::of(key));
    let tools = by_hand(context, key, &format!("call {key}"), "/v1/sys/rpc");
    let content = methods.map(|methods| {
        if methods.methods.is_empty() {
            return empty_state(
                &format!("The methods that {key} serves will be listed here; it serves none."),
                "",
            );
        }
        let rows: Html = methods.methods.iter().map(|method| one(context, key, method)).collect();
        Html::trusted(format!(r#"<div class="methods">{rows}</div>"#))
    });
    parts::section("methods", "Methods", &tools, content)
}

fn one(context: &Context, key: &str, method: &MethodInfo) -> Html {
    let (params, result) = (method.params.value(), method.result.value());
    let example = example(&params, &params, 0);
    let call = serde_json::json!({ "method": method.name, "params": example });
    let url = service_url(context, key);
    let curl = format!("curl -s {url}v1/sys/rpc -d {}", quoted(&call.to_string()));
    let words = format!("call {key} {} {}", method.name, quoted(&example.to_string()));
    let cli = command(context, &words);
    Html::from(Method {
        service: key,
        name: &method.name,
        description: &method.description,
        idempotent: method.idempotent,
        example: pretty(&example),
        params: code_block(&format!("Schema of the parameters of {}", method.name), pretty(&params)),
        result: code_block(&format!("Schema of the result of {}", method.name), pretty(&result)),
        command: syscall_sdk::pages::as_command(&cli, &curl),
    })
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// How deep an example goes: a schema may hold itself.
const MOST_DEPTH: usize = 4;

/// What fits a schema, to begin with: required members, empty.
fn example(schema: &Value, whole: &Value, depth: usize) -> Value {
    if let Some(reference) = schema["$ref"].as_str() {
        let named = reference.strip_prefix('#').and_then(|pointer| whole.pointer(pointer));
        return match named {
            Some(named) if depth < MOST_DEPTH => example(named, whole, depth + 1),
            _ => Value::Object(Map::new()),
        };
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().find_map(Value::as_str).unwrap_or_default(),
        kind => kind.as_str().unwrap_or_default(),
    };
    match kind {
        "string" => schema["enum"][0].as_str().unwrap_or_default().into(),
        "integer" | "number" => 0.into(),
        "boolean" => false.into(),
        "array" => Value::Array(Vec::new()),
        "null" => Value::Null,
        _ => {
            let wanted = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
            let members = wanted.iter().filter_map(Value::as_str).map(|name| {
                let member = &schema["properties"][name];
                (name.to_owned(), example(member, whole, depth + 1))
            });
            Value::Object(if depth < MOST_DEPTH {
                members.collect()
            } else {
                Map::new()
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::example;

    #[test]
    fn an_example_has_what_is_required_and_ends() {
        let schema = json!({
            "type": "object", "required": ["id", "next"],
            "properties": { "id": { "type": ["string", "number"] }, "more": { "type": "string" }, "next": { "$ref": "#/$defs/Self" } },
            "$defs": { "Self": { "type": "object", "required": ["next"], "properties": { "next": { "$ref": "#/$defs/Self" } } } },
        });
        let example = example(&schema, &schema, 0);
        assert_eq!(example["id"], "");
        assert!(example.get("more").is_none());
        assert!(example["next"].is_object());
    }
}
