//! Answers that last: a method's stream of results, a service's events. Bytes go through as they come; who does not read is not read for.

use std::time::Duration;

use axum::body::Body;
use axum::extract::Path;
use axum::response::Response;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::header::ACCEPT;
use http::{HeaderMap, HeaderValue};
use serde::Deserialize;
use syscall_sdk::auth::{Need, Word};
use syscall_sdk::context::Context;
use syscall_sdk::error::{Error, Kind, Result};
use syscall_sdk::http::{Failure, Query, relay_pipe};
use syscall_sdk::rpc::{CallOptions, is_stream};
use syscall_sdk::transport::Request;
use tokio::time::{Instant, timeout_at};

use crate::gateway::{at, passed_on};
use crate::settings;

/// Whether the caller reads a stream of results.
pub(crate) fn is_wanted(headers: &HeaderMap) -> bool {
    let accepts = |value: &HeaderValue| value.to_str().is_ok_and(|value| value.contains("text/event-stream"));
    headers.get_all(ACCEPT).iter().any(accepts)
}

/// What a service answered as what the caller gets: a stream for as long as one may last, and anything else whole, within its bound.
pub(crate) async fn answer(
    context: &Context,
    response: Response,
    last: Option<&'static str>,
) -> Result<Response, Failure> {
    let (parts, body) = response.into_parts();
    let body = if parts.status.is_success() && is_stream(&parts.headers) {
        lasting(body, settings::stream_life(context), last)
    } else {
        let most = settings::answer_max_bytes(context);
        let whole = axum::body::to_bytes(body, most).await.map_err(|error| {
            Error::new(
                Kind::BadGateway,
                format!("the answer broke off, or has more than {most} bytes"),
            )
            .with_code("ANSWER_TOO_LARGE")
            .with_source(error)
        })?;
        Body::from(whole)
    };
    let mut response = Response::new(body);
    *response.status_mut() = parts.status;
    passed_on(&parts.headers, response.headers_mut());
    Ok(response)
}

/// A body for so long; past it a stream of results says with its last message why it ends. Dropping it drops the callee's answer, which
/// cancels what makes it.
fn lasting(body: Body, life: Duration, last: Option<&'static str>) -> Body {
    let until = Instant::now() + life;
    let body = stream::unfold(Some(body.into_data_stream()), move |body| async move {
        let mut body = body?;
        match timeout_at(until, body.next()).await {
            Ok(Some(Ok(bytes))) => Some((Ok(bytes), Some(body))),
            Ok(Some(Err(error))) => Some((Err(error), None)),
            Ok(None) => None,
            Err(_) => Some((Ok(Bytes::from_static(last?.as_bytes())), None)),
        }
    });
    Body::from_stream(body)
}

/// The last message of a stream of results that is cut, as the contract has it.
pub(crate) fn cut() -> &'static str {
    // The same in every process: a test holds it against what the SDK reads.
    "event: error\ndata: {\"status\":504,\"error\":{\"code\":\"STREAM_TOO_LONG\",\"message\":\"the gateway ends a stream after so long; \
     ask again for what is missing, or open a pipe\"}}\n\n"
}

/// Which events are followed.
#[derive(Debug, Deserialize)]
pub(crate) struct Followed {
    #[serde(default)]
    event: Option<String>,
    #[serde(default)]
    since: Option<String>,
    #[serde(default)]
    format: Option<String>,
}

/// `GET /v1/{service}/events/stream` → the service's own stream of events, resumed by its reader's `Last-Event-ID`.
pub(crate) async fn follow(
    context: Context,
    Path(service): Path<String>,
    Query(followed): Query<Followed>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let need = Need::filtered(Word::EventRead, followed.event.as_deref());
    let key = at(&context, &service, need)?;
    let pairs = [
        ("event", &followed.event),
        ("since", &followed.since),
        ("format", &followed.format),
    ];
    let mut url = reqwest::Url::parse("http://service/v1/sys/events")
        .map_err(|error| Error::internal("the path of events is none").with_source(error))?;
    for (name, value) in pairs {
        if let Some(value) = value {
            url.query_pairs_mut().append_pair(name, value);
        }
    }
    let mut request = Request::default();
    *request.uri_mut() = format!("{}?{}", url.path(), url.query().unwrap_or_default())
        .parse()
        .map_err(|error: http::uri::InvalidUri| Error::invalid("the query cannot be passed on").with_source(error))?;
    for name in ["last-event-id", "accept"] {
        if let Some(value) = headers.get(name) {
            request.headers_mut().insert(name, value.clone());
        }
    }
    let options = CallOptions {
        relay_for: Some(context.request().caller.clone()),
        ..context.call_options()
    };
    let response = context.rpc().request(&key, request, &options).await?;
    answer(&context, response, None).await
}

/// `GET /v1/{service}/pipe/{name}` → a pipe of the service.
pub(crate) async fn pipe(
    context: Context,
    Path((service, name)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Failure> {
    let key = at(&context, &service, Need::one(Word::PipeOpen, &name))?;
    relay_pipe(&context, &key, &name, request, settings::stream_life(&context)).await
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use syscall_sdk::rpc::sse::Parser;
    use syscall_sdk::rpc::{Said, said};

    use super::*;

    #[test]
    fn what_a_stream_that_is_cut_says_last_is_an_error_to_who_reads_it() {
        let mut parser = Parser::default();
        let messages = parser.push(cut().as_bytes());
        let [message] = messages.as_slice() else {
            panic!("{messages:?}")
        };
        match said("core", message).unwrap() {
            Some(Said::Failed(error)) => assert_eq!(error.code(), "STREAM_TOO_LONG"),
            other => panic!("{other:?}"),
        }
        assert!(
            serde_json::from_str::<serde_json::Value>(&message.data).is_ok_and(|data| data["status"] == json!(504))
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_ends_after_its_time_with_a_word_of_why() {
        let endless =
            stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"data: 1\n\n"))]).chain(stream::pending());
        let body = lasting(Body::from_stream(endless), Duration::from_secs(60), Some(cut()));
        let begun = Instant::now();
        let all = axum::body::to_bytes(body, 10_000).await.unwrap();
        assert_eq!(begun.elapsed(), Duration::from_secs(60));
        assert_eq!(all, format!("data: 1\n\n{}", cut()));
    }
}
