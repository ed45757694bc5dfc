//! OpenAPI 3.1 of everything that a service answers over HTTP, made from the routes themselves.

use std::sync::{Arc, OnceLock};

use axum::response::IntoResponse;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method as Verb};
use serde_json::{Map, Value, json};

use crate::auth::Access;
use crate::context::{Context, Kernel};
use crate::contract::Schema;
use crate::registry::Way;
use crate::service::{Answer, Parameter, Route, Routes};

/// The document of a service: what its routes are, and from the first time that it is asked for its text.
#[derive(Default)]
pub(super) struct Document {
    routes: OnceLock<Vec<Told>>,
    text: OnceLock<Bytes>,
}

/// What is told of a route.
struct Told {
    verb: Verb,
    path: &'static str,
    summary: &'static str,
    access: Access,
    parameters: Vec<Parameter>,
    body: Option<fn() -> Schema>,
    answers: Vec<Answer>,
}

/// The route that serves the document.
pub(super) fn routes(document: Arc<Document>) -> Routes {
    let serve = move |context: Context| {
        let text = document.text.get_or_init(|| document.render(context.kernel())).clone();
        let headers = [(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        std::future::ready((headers, text).into_response())
    };
    Routes::new().with(
        Route::get("/v1/sys/openapi.json", Access::right("openapi read"), serve)
            .says("This document: OpenAPI 3.1 of all that this service answers over HTTP.")
            .gives::<crate::wire::Json>(200, "The document."),
    )
}

impl Document {
    /// Notes the routes, the one that serves the document among them; they do not change while the service runs.
    pub(super) fn tells(&self, routes: &Routes) {
        self.routes.get_or_init(|| routes.iter().map(told).collect());
    }

    /// Some 100 kB of text out of a tree ten times as large, which a boot need not wait for and a service at rest need not hold.
    fn render(&self, kernel: &Kernel) -> Bytes {
        let mut paths = Map::new();
        let mut schemas = Map::new();
        for route in self.routes.get().into_iter().flatten() {
            let entry = paths
                .entry(openapi_path(route.path))
                .or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(operations) = entry {
                operations.insert(route.verb.as_str().to_lowercase(), operation(route, &mut schemas));
            }
        }
        let public = kernel
            .registry
            .url(&kernel.record.key, kernel.settings.environment, Way::Cloudflare)
            .unwrap_or_default();
        let document = json!({
            "openapi": "3.1.0",
            "info": { "title": kernel.record.name, "version": kernel.build.version, "description": format!("The {} of the fleet.", kernel.record.role) },
            "servers": [{ "url": "/" }, { "url": public }],
            "paths": paths,
            "components": {
                "schemas": schemas,
                "securitySchemes": { "bearer": { "type": "http", "scheme": "bearer" } },
            },
        });
        Bytes::from(document.to_string())
    }
}

fn told(route: &Route) -> Told {
    Told {
        verb: route.verb.clone(),
        path: route.path,
        summary: route.summary,
        access: route.access,
        parameters: route.parameters.clone(),
        body: route.body,
        answers: route.answers.clone(),
    }
}

fn operation(route: &Told, schemas: &mut Map<String, Value>) -> Value {
    let parameters: Vec<Value> = route
        .parameters
        .iter()
        .map(|parameter| {
            json!({
                "name": parameter.name, "in": parameter.place, "required": parameter.required,
                "description": parameter.description, "schema": { "type": parameter.kind },
            })
        })
        .collect();
    let mut operation = json!({
        "operationId": operation_id(route),
        "summary": route.summary,
        "parameters": parameters,
        "responses": responses(&route.answers, schemas),
        "x-access": route.access.to_string(),
        "security": match route.access { Access::Public => json!([]), _ => json!([{ "bearer": [] }]) },
    });
    if let (Some(body), Value::Object(operation)) = (route.body, &mut operation) {
        let content = json!({ "application/json": { "schema": collect(body(), schemas) } });
        operation.insert(
            "requestBody".to_owned(),
            json!({ "required": true, "content": content }),
        );
    }
    operation
}

fn responses(answers: &[Answer], schemas: &mut Map<String, Value>) -> Value {
    let mut responses = Map::new();
    for answer in answers {
        let response = responses
            .entry(answer.status.to_string())
            .or_insert_with(|| json!({ "description": answer.description }));
        if answer.media.is_empty() {
            continue;
        }
        let schema = match answer.schema {
            Some(schema) => collect(schema(), schemas),
            // Any JSON is what its schema would say.
            None if answer.media == "application/json" => json!({}),
            None => json!({ "type": "string" }),
        };
        let content = &mut response["content"][answer.media]["schema"];
        *content = match content.take() {
            Value::Null => schema,
            // One status, one media type, and which of two shapes depends on what was asked.
            other => json!({ "anyOf": [other, schema] }),
        };
    }
    Value::Object(responses)
}

fn collect(schema: Schema, schemas: &mut Map<String, Value>) -> Value {
    schemas.extend(schema.named);
    schema.root
}

/// `GET /v1/sys/job/{id}` is `get_v1_sys_job_id`.
fn operation_id(route: &Told) -> String {
    let words = route
        .path
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty());
    // A path with a slash at its end is another path than the one without.
    let index = (route.path.len() > 1 && route.path.ends_with('/')).then_some("index");
    std::iter::once(route.verb.as_str().to_lowercase().as_str())
        .chain(words)
        .chain(index)
        .collect::<Vec<_>>()
        .join("_")
}

/// axum writes a path's rest as `{*rest}`, OpenAPI as `{rest}`.
fn openapi_path(path: &str) -> String {
    path.replace("{*", "{")
}
