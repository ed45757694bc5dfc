//! The one list of what console answers.

use std::time::Duration;

use axum::extract::Path as Parts;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use syscall_sdk::auth::Access;
use syscall_sdk::context::Context;
use syscall_sdk::error::{Error, Kind};
use syscall_sdk::http::pages;
use syscall_sdk::http::{Body, Failure, Html, Path, Payload, Query};
use syscall_sdk::pages::{Failure as Shown, error_state};
use syscall_sdk::service::{Route, RouteKind, Routes};
use syscall_sdk::wire::{Json, RetryJob, Timestamp};

use crate::actions::{self, Verb};
use crate::board::Board;
use crate::calls::page::Choice;
use crate::calls::{self, Watch};
use crate::parts::{ASSETS, frame};
use crate::service::{self, job, why};
use crate::view::View;
use crate::{audit, live, overview, trace, traces};

/// Between looks at the fleet while its page is open.
const LOOK_EVERY: Duration = Duration::from_secs(2);

pub(crate) fn routes() -> Routes {
    let board = Board::default();
    let watch = Watch::new(board.clone());
    let (fleets, lives, services, feeds) = (board.clone(), board.clone(), board.clone(), board);
    let fleet = move |context: Context| fleet(context, fleets.clone());
    let fleet_live = move |context: Context| fleet_live(context, lives.clone());
    let one = move |context: Context, key: Path, view: Query<View>| one(context, services.clone(), key, view);
    let one_live = move |context: Context, key: Path, view: Query<View>, since: Query<Since>| {
        one_live(context, feeds.clone(), key, view, since)
    };
    calls_routes(pages::asset_routes(ASSETS), &watch)
        .with(
            Route::get("/", Access::Session, fleet)
                .says("The fleet: what every service says of itself.")
                .page(),
        )
        .with(
            Route::get("/live", Access::Session, fleet_live)
                .says("What changes on the fleet's page.")
                .kind(RouteKind::Stream)
                .gives_media(200, "HTML by element.", "text/event-stream"),
        )
        .with(
            Route::get("/services", Access::Session, || async { Redirect::to("/") })
                .says("The fleet's page lists the services.")
                .gives_media(303, "To the fleet's page.", ""),
        )
        .with(
            choices(Route::get("/services/{key}", Access::Session, one))
                .says("A service in full: health, methods, log, events, jobs, schedules, traces.")
                .page(),
        )
        .with(
            choices(Route::get("/services/{key}/live", Access::Session, one_live))
                .says("What changes on a service's page.")
                .kind(RouteKind::Stream)
                .query("since", "string", "Events later than this moment, RFC 3339.")
                .gives_media(200, "HTML by element.", "text/event-stream"),
        )
        .with(
            Route::post("/services/{key}/call/{method}", Access::Session, call)
                .says("Calls a method of a service on the reader's behalf; the body is its parameters.")
                .kind(RouteKind::Rpc)
                .takes::<Json>()
                .gives::<Json>(200, "What the method gave.")
                .acts(),
        )
        .with(
            Route::get("/services/{key}/jobs/{id}", Access::Session, one_job)
                .says("A job with its attempts.")
                .page(),
        )
        .with(
            Route::get("/services/{key}/why/{id}", Access::Session, one_story)
                .says("Why a job, a run, a schedule or an event did what it did, or did not.")
                .page(),
        )
        .with(
            Route::post("/services/{key}/jobs/{id}/cancel", Access::Session, cancel)
                .says("Cancels a job or a schedule on the reader's behalf.")
                .gives_media(200, "The lists as they are then.", "text/html")
                .acts(),
        )
        .with(
            Route::post("/services/{key}/jobs/{id}/retry", Access::Session, retry)
                .says("Queues a job anew on the reader's behalf.")
                .gives_media(200, "The lists as they are then.", "text/html")
                .acts(),
        )
        .with(
            Route::post("/services/{key}/jobs/{id}/redrive", Access::Session, redrive)
                .says("Makes another job of a dead one on the reader's behalf; the body is the edit.")
                .takes::<RetryJob>()
                .gives_media(200, "Which job was made of it.", "text/html")
                .acts(),
        )
        .with(
            Route::post("/services/{key}/jobs/retry", Access::Session, retry_all)
                .says("Queues the dead jobs of the status that is shown anew, on the reader's behalf.")
                .query("jobs", "string", "The status.")
                .gives_media(200, "The list as it is then.", "text/html")
                .acts(),
        )
        .with(
            Route::get("/audit", Access::right("audit read"), whole_trail)
                .says("The audit trail: who did what, and was it let happen.")
                .query("outcome", "string", "Only allowed, denied or failed.")
                .query("actor", "string", "Only of this actor.")
                .query("target", "string", "Only on this.")
                .query("action", "string", "Only this action.")
                .query("before", "string", "Entries before this one.")
                .page(),
        )
        .with(
            Route::get("/traces", Access::Session, all_traces)
                .says("Recent traces of all services, put together.")
                .query("traces", "string", "errors, or all for those of dashboards as well.")
                .page(),
        )
        .with(
            Route::get("/traces/{traceId}", Access::Session, one_trace)
                .says("One trace over all services.")
                .page()
                .gives_media(400, "That is no trace id.", "text/html"),
        )
}

/// Who calls whom.
fn calls_routes(routes: Routes, watch: &Watch) -> Routes {
    let (alls, lives, pairs, feeds) = (watch.clone(), watch.clone(), watch.clone(), watch.clone());
    let all = move |context: Context, choice: Query<Choice>| all_calls(context, alls.clone(), choice);
    let live = move |context: Context, choice: Query<Choice>| all_calls_live(context, lives.clone(), choice);
    let pair = move |context: Context, pair: Pair| one_pair(context, pairs.clone(), pair);
    let pair_live = move |context: Context, pair: Pair| one_pair_live(context, feeds.clone(), pair);
    let of = |Path(key): Path| async move { Redirect::to(&Choice::href(&key)) };
    routes
        .with(
            Route::get("/calls", Access::Session, all)
                .says("Who calls whom: the fleet as a picture, and every pair that has called.")
                .query("service", "string", "Only the calls from and to this service.")
                .page(),
        )
        .with(
            Route::get("/calls/live", Access::Session, live)
                .says("What changes on the page of the calls.")
                .kind(RouteKind::Stream)
                .query("service", "string", "Only the calls from and to this service.")
                .gives_media(200, "HTML by element.", "text/event-stream"),
        )
        .with(
            Route::get("/calls/{from}", Access::Session, of)
                .says("Leads to the calls from and to a service.")
                .gives_media(303, "To the page of the calls.", ""),
        )
        .with(
            Route::get("/calls/{from}/{to}", Access::Session, pair)
                .says("What one service knows of another that it calls: addresses, breakers, endings, the name.")
                .page(),
        )
        .with(
            Route::get("/calls/{from}/{to}/live", Access::Session, pair_live)
                .says("What changes on the page of a pair.")
                .kind(RouteKind::Stream)
                .gives_media(200, "HTML by element.", "text/event-stream"),
        )
}

/// What a reader may choose to see of a service.
fn choices(route: Route) -> Route {
    route
        .query("level", "string", "Log lines of this level.")
        .query("q", "string", "Log lines that hold this text.")
        .query(
            "event",
            "string",
            "Events of this name, or with * at its end of those that begin so.",
        )
        .query("jobs", "string", "Jobs of this status.")
        .query("before", "string", "Jobs from this cursor on.")
        .query("traces", "string", "errors, or all for those of dashboards as well.")
        .query("range", "string", "How far charts reach back: 10m, 1h or 2h.")
}

async fn fleet(context: Context, board: Board) -> Html {
    Html(overview::page(&context, &board).await)
}

async fn fleet_live(context: Context, board: Board) -> Response {
    pages::live(&context, LOOK_EVERY, move |context| {
        overview::parts(context, board.clone())
    })
}

async fn one(context: Context, board: Board, Path(key): Path, Query(view): Query<View>) -> Response {
    let page = Box::pin(service::page(&context, &board, &key, &view)).await;
    shown(&context, page.map(|page| Html(page).into_response())).await
}

#[derive(Debug, Deserialize)]
struct Since {
    since: Option<Timestamp>,
}

async fn one_live(
    context: Context,
    board: Board,
    Path(key): Path,
    Query(view): Query<View>,
    Query(Since { since }): Query<Since>,
) -> Result<Response, Failure> {
    let key = context.registry().get(&key)?.key.clone();
    Ok(live::stream(&context, board, &key, view, since))
}

async fn call(
    context: Context,
    Parts((key, method)): Parts<(String, String)>,
    Payload(params): Payload<Option<Json>>,
) -> Result<Response, Failure> {
    Ok(actions::call(&context, &key, &method, params).await?)
}

async fn one_job(context: Context, Parts((key, id)): Parts<(String, String)>) -> Response {
    let page = job::page(&context, &key, &id).await;
    shown(&context, page.map(|page| Html(page).into_response())).await
}

async fn one_story(context: Context, Parts((key, id)): Parts<(String, String)>) -> Response {
    let page = why::page(&context, &key, &id).await;
    shown(&context, page.map(|page| Html(page).into_response())).await
}

async fn cancel(
    context: Context,
    Parts((key, id)): Parts<(String, String)>,
    Query(view): Query<View>,
) -> Result<Response, Failure> {
    Ok(actions::on_job(&context, &key, &id, Verb::Cancel, &view).await?)
}

async fn retry(
    context: Context,
    Parts((key, id)): Parts<(String, String)>,
    Query(view): Query<View>,
) -> Result<Response, Failure> {
    Ok(actions::on_job(&context, &key, &id, Verb::Retry, &view).await?)
}

async fn redrive(
    context: Context,
    Parts((key, id)): Parts<(String, String)>,
    Body(edit): Body,
) -> Result<Response, Failure> {
    Ok(actions::redrive(&context, &key, &id, edit).await?)
}

async fn retry_all(context: Context, Path(key): Path, Query(view): Query<View>) -> Result<Response, Failure> {
    Ok(actions::retry_all(&context, &key, &view).await?)
}

async fn whole_trail(context: Context, Query(choice): Query<audit::Choice>) -> Html {
    Html(audit::page(&context, &choice).await)
}

async fn all_traces(context: Context, Query(view): Query<View>) -> Html {
    Html(traces::page(&context, &view).await)
}

async fn one_trace(context: Context, Path(id): Path) -> Response {
    let page = trace::page(&context, &id).await.map(|(found, page)| {
        let status = if found { StatusCode::OK } else { StatusCode::NOT_FOUND };
        (status, Html(page)).into_response()
    });
    shown(&context, page).await
}

/// Who calls, and who is called.
type Pair = Parts<(String, String)>;

async fn all_calls(context: Context, watch: Watch, Query(choice): Query<Choice>) -> Response {
    let page = calls::page::page(&context, &watch, &choice).await;
    shown(&context, page.map(|page| Html(page).into_response())).await
}

async fn all_calls_live(context: Context, watch: Watch, Query(choice): Query<Choice>) -> Response {
    pages::live(&context, LOOK_EVERY, move |context| {
        calls::page::parts(context, watch.clone(), choice.clone())
    })
}

async fn one_pair(context: Context, watch: Watch, Parts((from, to)): Pair) -> Response {
    let page = calls::pair::page(&context, &watch, &from, &to).await;
    shown(&context, page.map(|page| Html(page).into_response())).await
}

async fn one_pair_live(context: Context, watch: Watch, Parts((from, to)): Pair) -> Result<Response, Failure> {
    let registry = context.registry();
    let (from, to) = (registry.get(&from)?.key.clone(), registry.get(&to)?.key.clone());
    Ok(pages::live(&context, LOOK_EVERY, move |context| {
        calls::pair::parts(context, watch.clone(), from.clone(), to.clone())
    }))
}

/// A page, or a page that says why there is none.
async fn shown(context: &Context, page: Result<Response, Error>) -> Response {
    let error = match page {
        Ok(page) => return page,
        Err(error) => error,
    };
    let status = match error.kind() {
        Kind::Invalid => StatusCode::BAD_REQUEST,
        Kind::NotFound => StatusCode::NOT_FOUND,
        _ => StatusCode::BAD_GATEWAY,
    };
    let state = error_state(Shown {
        what: "This page cannot be shown.",
        whose: error.message(),
        next: "Go back to the fleet, or find what you want with Ctrl K.",
        retry: None,
        trace: None,
    });
    let content = syscall_sdk::pages::Html::trusted(format!(
        r#"<div class="page-head"><div><h1>Not here</h1></div><div class="tools"><a class="button" href="/">Fleet</a></div></div>{state}"#
    ));
    (status, Html(frame(context, "Not here").await.render(content))).into_response()
}
