//! How many bytes of answers leave, and whereto: platforms charge for what leaves for the public network.

use std::net::IpAddr;

use axum::response::Response;
use http_body::Body as _;

use super::body::{Companion, accompanied};
use crate::metrics::{Counter, Metrics};
use crate::policy::Reach;

/// Bytes around a head that stand in no field of it: `HTTP/1.1 200 OK`, the date and the line breaks.
const AROUND_HEAD: usize = 60;

/// The two counts of a service.
pub(super) struct Egress {
    public: Counter,
    private: Counter,
}

impl Egress {
    pub(super) fn new(metrics: &Metrics) -> Self {
        let to = |to: &str| {
            metrics.counter(
                "http_response_bytes_total",
                "Bytes of answers, heads included, by whether the client is on the public network.",
                vec![("to", to.to_owned())],
            )
        };
        Egress {
            public: to("public"),
            private: to("private"),
        }
    }

    /// Counts an answer, and its body as it goes where its length is not known yet.
    pub(super) fn count(&self, response: Response, client: Option<IpAddr>) -> Response {
        let public = client.is_some_and(|address| Reach::PUBLIC.check(address).is_ok());
        let sent = if public { &self.public } else { &self.private };
        let fields = response.headers().iter();
        let head: usize = fields.map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
        sent.add((AROUND_HEAD + head) as u64);
        match response.body().size_hint().exact() {
            Some(bytes) => {
                sent.add(bytes);
                response
            }
            None => accompanied(response, sent.clone()),
        }
    }
}

impl Companion for Counter {
    fn gone(&self, bytes: usize) {
        self.add(bytes as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use axum::body::Body;
    use futures_util::stream;
    use http_body_util::BodyExt as _;

    #[tokio::test]
    async fn what_leaves_is_counted_by_whereto_and_a_stream_as_it_goes() {
        let egress = Egress::new(&Metrics::new(Clock::system()));
        let head = AROUND_HEAD as u64;
        let outside = Some("8.8.8.8".parse().unwrap());
        drop(egress.count(Response::new(Body::from("twelve bytes")), outside));
        assert_eq!((egress.public.get(), egress.private.get()), (head + 12, 0));

        for inside in [
            None,
            Some("127.0.0.1".parse().unwrap()),
            Some("fd12::7".parse().unwrap()),
        ] {
            drop(egress.count(Response::new(Body::empty()), inside));
        }
        assert_eq!((egress.public.get(), egress.private.get()), (head + 12, 3 * head));

        let pieces = stream::iter([Ok::<_, std::io::Error>("four"), Ok("more")]);
        let response = egress.count(Response::new(Body::from_stream(pieces)), outside);
        assert_eq!(egress.public.get(), 2 * head + 12, "nothing of it has gone yet");
        drop(response.into_body().collect().await.unwrap());
        assert_eq!(egress.public.get(), 2 * head + 12 + 8);
    }
}
