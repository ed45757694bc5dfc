//! Every route of the gateway.

use std::sync::Arc;

use syscall_sdk::admission::Class;
use syscall_sdk::auth::Access;
use syscall_sdk::http::system_health;
use syscall_sdk::service::{Route, RouteKind, Routes};
use syscall_sdk::wire::{Json, RpcResponse, SystemHealth};

use crate::catalog::Catalog;
use crate::{document, gateway, page, stream};

pub(crate) fn routes(catalog: Arc<Catalog>) -> Routes {
    let (for_calls, for_document, for_page) = (Arc::clone(&catalog), Arc::clone(&catalog), catalog);
    Routes::new()
        .with(
            Route::post(
                "/v1/{service}/{method}",
                Access::right("rpc"),
                move |context, path, headers, body| gateway::call(Arc::clone(&for_calls), context, path, headers, body),
            )
            .says("Calls a method of a service; the body is its params.")
            .kind(RouteKind::Rpc)
            .class(Class::Api)
            .header("X-Api-Key", "An API key, for who cannot send it as `Authorization: Bearer`.")
            .header(
                "Accept",
                "text/event-stream where the method gives a stream of results: an event for each, then one named end or error.",
            )
            .header(
                "Idempotency-Key",
                "The call is made once; its answer is stored and repeated.",
            )
            .header("Connect-Timeout-Ms", "The most that the call may take.")
            .takes::<Json>()
            .gives::<RpcResponse>(200, "What the method gave.")
            .gives_media(200, "What the method gives, one after the other.", "text/event-stream")
            .fails(&[
                (
                    400,
                    "The body is no JSON, or the params miss the schema; details list each place.",
                ),
                (401, "No credential, or one that is not good."),
                (403, "The caller, or the gateway for anybody, may not call it."),
                (404, "No such service or method."),
                (502, "The answer is larger than what is passed on."),
                (503, "The service cannot be reached."),
                (504, "The deadline passed."),
            ]),
        )
        .with(
            Route::get("/v1/{service}/events/stream", Access::Credential, stream::follow)
                .says("A service's events as they come, as server-sent events; resumes by Last-Event-ID without loss or repeat.")
                .kind(RouteKind::Stream)
                .class(Class::Api)
                .query("event", "string", "Only this name, or with a trailing * every name that starts so.")
                .query("since", "string", "First replay what is later than this moment, RFC 3339.")
                .query("format", "string", "cloudevents for CloudEvents 1.0.")
                .header("Last-Event-ID", "Go on after this message.")
                .gives_media(200, "Each message's data is an Event.", "text/event-stream")
                .fails(&[(400, "A parameter does not fit."), (404, "No such service.")]),
        )
        .with(
            Route::get("/v1/{service}/pipe/{name}", Access::Credential, stream::pipe)
                .says("Opens a pipe of a service: a two-way stream of bytes, in the messages of a WebSocket.")
                .kind(RouteKind::Stream)
                .class(Class::Api)
                .header("Upgrade", "websocket, with what else RFC 6455 asks of a handshake.")
                .gives_media(101, "The pipe is open.", "")
                .fails(&[
                    (400, "The Sec-WebSocket-Key is none."),
                    (403, "A page of another site asked, or the caller may not."),
                    (404, "No such service, or it has no pipe of this name."),
                    (426, "The request asks for no WebSocket of version 13."),
                    (503, "All the pipes that a service serves are open."),
                ]),
        )
        .with(
            Route::get("/v1/health", Access::Public, system_health)
                .says("The gateway's deep health.")
                .gives::<SystemHealth>(200, "Healthy.")
                .gives::<SystemHealth>(503, "Degraded or unhealthy."),
        )
        .with(
            Route::get("/openapi.json", Access::Public, move |context| {
                document::serve(Arc::clone(&for_document), context)
            })
            .says("One OpenAPI document of the whole fleet.")
            .gives_media(200, "OpenAPI 3.1.", "application/json"),
        )
        .with(
            Route::get("/", Access::Public, move |context| {
                page::show(Arc::clone(&for_page), context)
            })
            .says("The fleet's methods, to read.")
            .page(),
        )
}
