//! One OpenAPI document of the fleet: every method as the gateway serves it, and the business routes of every service.

use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use http::StatusCode;
use serde_json::{Map, Value, json};
use syscall_sdk::context::Context;
use syscall_sdk::contract::schema_of;
use syscall_sdk::http::json as respond;
use syscall_sdk::rpc::CallOptions;
use syscall_sdk::wire::{ErrorBody, MethodInfo};

use crate::catalog::Catalog;

/// Longest wait for a service's own document.
const TIMEOUT: Duration = Duration::from_secs(2);

pub(crate) async fn serve(catalog: Arc<Catalog>, context: Context) -> Response {
    let mut paths = Map::new();
    let error = schema_of::<ErrorBody>();
    let mut schemas = error.named;
    schemas.insert("ErrorBody".to_owned(), error.root);
    let mut missing = Vec::new();
    for record in context.registry().services().cloned().collect::<Vec<_>>() {
        match catalog.of(&context, &record.key).await {
            Ok(offer) => {
                for offered in offer.methods.values() {
                    let path = format!("/v1/{}/{}", record.key, offered.info.name);
                    paths.insert(
                        path,
                        json!({ "post": operation(&record.key, &offered.info, &mut schemas) }),
                    );
                }
            }
            Err(_) => missing.push(record.key.clone()),
        }
        let options = CallOptions {
            timeout: Some(TIMEOUT),
            ..context.call_options()
        };
        if let Ok(own) = context
            .rpc()
            .get_json::<Value>(&record.key, "/v1/sys/openapi.json", &options)
            .await
        {
            take_routes(&context, &record.key, own, &mut paths, &mut schemas);
        }
    }
    let document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": format!("The fleet of {}", context.registry().file().domain),
            "version": context.kernel().build.version,
            "description": "Every method of every service through the gateway, and what the services serve themselves.",
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": { "schemas": schemas, "securitySchemes": {
            "bearer": { "type": "http", "scheme": "bearer", "description": "An API key, an access token of core's, or a token of the fleet's own." },
            "key": { "type": "apiKey", "in": "header", "name": "X-Api-Key", "description": "An API key." },
        } },
        "x-missing": missing,
    });
    respond(StatusCode::OK, &document)
}

fn operation(service: &str, info: &MethodInfo, schemas: &mut Map<String, Value>) -> Value {
    let params = lift(info.params.value(), schemas);
    let result = lift(info.result.value(), schemas);
    let wrapped = json!({ "type": "object", "required": ["result"], "properties": { "result": result } });
    // Of a stream each message is one of these.
    let media = if info.stream {
        "text/event-stream"
    } else {
        "application/json"
    };
    json!({
        "operationId": format!("{service}_{}", info.name),
        "tags": [service],
        "summary": info.description,
        "x-idempotent": info.idempotent,
        "x-stream": info.stream,
        "security": [{ "bearer": [] }, { "key": [] }],
        "requestBody": { "required": false, "content": { "application/json": { "schema": params } } },
        "responses": {
            "200": { "description": "What the method gave.", "content": { media: { "schema": wrapped } } },
            "default": { "description": "An error.", "content": { "application/json": { "schema": { "$ref": "#/components/schemas/ErrorBody" } } } },
        },
    })
}

/// Moves the `$defs` of a standalone schema to the document's components.
fn lift(mut schema: Value, schemas: &mut Map<String, Value>) -> Value {
    if let Some(Value::Object(defs)) = schema.as_object_mut().and_then(|schema| schema.remove("$defs")) {
        for (name, mut def) in defs {
            rename(&mut def);
            schemas.insert(name, def);
        }
    }
    rename(&mut schema);
    schema
}

fn rename(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                match member {
                    Value::String(target) if key == "$ref" => {
                        *target = target.replace("#/$defs/", "#/components/schemas/")
                    }
                    other => rename(other),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(rename),
        _ => {}
    }
}

/// Takes a service's own routes over: the syscalls once, from the gateway itself, and of the others what is JSON and no page.
fn take_routes(
    context: &Context,
    key: &str,
    own: Value,
    paths: &mut Map<String, Value>,
    schemas: &mut Map<String, Value>,
) {
    let gateway = key == context.kernel().record.key;
    let server = syscall_sdk::http::pages::service_url(context, key);
    if let Some(Value::Object(more)) = own.pointer("/components/schemas").cloned() {
        schemas.extend(more);
    }
    let Some(Value::Object(routes)) = own.get("paths").cloned() else {
        return;
    };
    for (path, mut item) in routes {
        let common = path.starts_with("/v1/sys/") || path.starts_with('_') || path.starts_with("/_");
        let probe = matches!(
            path.as_str(),
            "/health" | "/healthz" | "/readyz" | "/metrics" | "/version" | "/v1/"
        );
        let page = item
            .pointer("/get/responses/200/content")
            .is_some_and(|content| content.get("text/html").is_some());
        if page || paths.contains_key(&path) || (!gateway && (common || probe)) {
            continue;
        }
        if let Value::Object(item) = &mut item {
            for operation in item.values_mut().filter_map(Value::as_object_mut) {
                operation.insert(
                    "tags".to_owned(),
                    json!([if common || probe { "syscalls" } else { key }]),
                );
            }
            if !gateway {
                item.insert("servers".to_owned(), json!([{ "url": server.trim_end_matches('/') }]));
            }
        }
        paths.insert(path, item);
    }
}
