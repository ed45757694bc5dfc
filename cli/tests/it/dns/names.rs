//! A real name server on a port of its own, that says what a test tells it to.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use hickory_server::Server;
use hickory_server::net::runtime::Time;
use hickory_server::proto::op::{Metadata, ResponseCode};
use hickory_server::proto::rr::rdata::SOA;
use hickory_server::proto::rr::{Name, RData, Record};
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use hickory_server::zone_handler::MessageResponseBuilder;
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::oneshot;

/// The data of names, by name in small letters with its last dot.
pub(super) type Zone = BTreeMap<String, Vec<RData>>;

/// A name server that is up until it is dropped.
pub(super) struct NameServer {
    pub(super) address: SocketAddr,
    zone: Arc<Mutex<Zone>>,
    stop: Option<oneshot::Sender<()>>,
}

struct Answers(Arc<Mutex<Zone>>);

impl NameServer {
    pub(super) fn start() -> Result<Self> {
        let zone = Arc::new(Mutex::new(Zone::new()));
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = std::sync::mpsc::channel();
        let shared = Arc::clone(&zone);
        std::thread::spawn(move || -> Result<()> {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async move {
                let mut server = Server::new(Answers(shared));
                // The same port of both protocols: where another has taken one of them, the next is tried.
                let (udp, listener) = loop {
                    let udp = UdpSocket::bind("127.0.0.1:0").await?;
                    if let Ok(listener) = TcpListener::bind(udp.local_addr()?).await {
                        break (udp, listener);
                    }
                };
                tell.send(udp.local_addr()?)?;
                server.register_socket(udp);
                server.register_listener(listener, Duration::from_secs(5), 16);
                // Until the test is over.
                let _ = stopped.await;
                Ok(())
            })
        });
        Ok(NameServer {
            address: told.recv()?,
            zone,
            stop: Some(stop),
        })
    }

    /// What is said from now on.
    pub(super) fn says(&self, zone: Zone) {
        *self.zone.lock().unwrap_or_else(PoisonError::into_inner) = zone;
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // It may have ended by itself.
            let _ = stop.send(());
        }
    }
}

#[async_trait::async_trait]
impl RequestHandler for Answers {
    async fn handle_request<R: ResponseHandler, T: Time>(&self, request: &Request, mut respond: R) -> ResponseInfo {
        let info = request.request_info().expect("a question was asked");
        let (name, kind) = (Name::from(info.query.name().clone()), info.query.query_type());
        let known = {
            let zone = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            zone.get(&name.to_ascii().to_ascii_lowercase()).cloned()
        };
        let mut metadata = Metadata::response_from_request(info.metadata);
        metadata.authoritative = true;
        if known.is_none() {
            metadata.response_code = ResponseCode::NXDomain;
        }
        let fits = |data: &RData| data.record_type() == kind;
        let answers: Vec<Record> = known
            .unwrap_or_default()
            .into_iter()
            .filter(fits)
            .map(|data| Record::from_rdata(name.clone(), 300, data))
            .collect();
        let soa = RData::SOA(SOA::new(Name::root(), Name::root(), 1, 3600, 600, 86_400, 1));
        let soa: Vec<Record> = answers
            .is_empty()
            .then(|| Record::from_rdata(Name::root(), 1, soa))
            .into_iter()
            .collect();
        let response =
            MessageResponseBuilder::from_message_request(request).build(metadata, answers.iter(), [], soa.iter(), []);
        respond.send_response(response).await.expect("who asked is there")
    }
}
