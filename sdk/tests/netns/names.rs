//! A real name server that says of core what it is told, and that no other name exists.

use std::net::{Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hickory_server::Server;
use hickory_server::net::runtime::Time;
use hickory_server::proto::op::{Metadata, ResponseCode};
use hickory_server::proto::rr::rdata::{AAAA, SOA};
use hickory_server::proto::rr::{Name, RData, Record, RecordType};
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use hickory_server::zone_handler::MessageResponseBuilder;
use tokio::net::{TcpListener, UdpSocket};

use crate::process::orders;

/// The name of core, as the registry has it.
const CORE: &str = "blackroad-os-core.railway.internal.";
/// How long an answer holds, in seconds: as short as the platform's.
const TTL: u32 = 1;

/// Each order is the addresses that core has from then on.
pub(crate) async fn serve() -> ExitCode {
    let known: Arc<Mutex<Vec<Ipv6Addr>>> = Arc::default();
    let mut server = Server::new(Answers(Arc::clone(&known)));
    let everywhere = SocketAddr::from((Ipv6Addr::UNSPECIFIED, 53));
    server.register_socket(UdpSocket::bind(everywhere).await.unwrap());
    server.register_listener(TcpListener::bind(everywhere).await.unwrap(), Duration::from_secs(5), 16);
    println!("ready");
    let mut orders = orders();
    while let Some(order) = orders.recv().await {
        *known.lock().unwrap() = order.split(' ').map(|address| address.parse().unwrap()).collect();
        println!("done");
    }
    ExitCode::SUCCESS
}

struct Answers(Arc<Mutex<Vec<Ipv6Addr>>>);

#[async_trait::async_trait]
impl RequestHandler for Answers {
    async fn handle_request<R: ResponseHandler, T: Time>(&self, request: &Request, mut respond: R) -> ResponseInfo {
        let info = request.request_info().unwrap();
        let (name, kind) = (Name::from(info.query.name().clone()), info.query.query_type());
        let mut metadata = Metadata::response_from_request(info.metadata);
        metadata.authoritative = true;
        let (mut answers, mut authority) = (Vec::new(), Vec::new());
        let is_core = name.to_string() == CORE;
        if is_core && kind == RecordType::AAAA {
            let addresses = self.0.lock().unwrap().clone();
            answers.extend(
                addresses
                    .into_iter()
                    .map(|address| Record::from_rdata(name.clone(), TTL, RData::AAAA(AAAA(address)))),
            );
        } else {
            if !is_core {
                metadata.response_code = ResponseCode::NXDomain;
            }
            let data = SOA::new(Name::root(), Name::root(), 1, 3600, 600, 86_400, TTL);
            authority.push(Record::from_rdata(Name::root(), TTL, RData::SOA(data)));
        }
        let builder = MessageResponseBuilder::from_message_request(request);
        let response = builder.build(metadata, answers.iter(), [], authority.iter(), []);
        respond.send_response(response).await.unwrap()
    }
}
