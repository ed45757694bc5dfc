//! Every route of the gateway.

use std::sync::Arc;

use syscall_sdk::auth::Access;
use syscall_sdk::http::system_health;
use syscall_sdk::service::{Route, RouteKind, Routes};
use syscall_sdk::wire::{Json, RpcResponse, SystemHealth};

use crate::catalog::Catalog;
use crate::{document, gateway, page};

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
            .header(
                "Idempotency-Key",
                "The call is made once; its answer is stored and repeated.",
            )
            .header("Connect-Timeout-Ms", "The most that the call may take.")
            .takes::<Json>()
            .gives::<RpcResponse>(200, "What the method gave.")
            .fails(&[
                (
                    400,
                    "The body is no JSON, or the params miss the schema; details list each place.",
                ),
                (404, "No such service or method."),
                (503, "The service cannot be reached."),
                (504, "The deadline passed."),
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
