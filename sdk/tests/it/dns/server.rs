//! A real name server on a port of its own, over UDP and TCP, that says what a test tells it to.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hickory_server::Server;
use hickory_server::net::runtime::Time;
use hickory_server::proto::op::{Edns, HeaderCounts, MessageType, Metadata, OpCode, ResponseCode};
use hickory_server::proto::rr::rdata::{A, AAAA, SOA};
use hickory_server::proto::rr::{Name, RData, Record, RecordType};
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use hickory_server::zone_handler::MessageResponseBuilder;
use tokio::net::{TcpListener, UdpSocket};

/// What the server does with a question of one family.
#[derive(Clone, Debug)]
pub(crate) enum Says {
    /// These addresses of the family, for so long.
    Addresses(Vec<IpAddr>, u32),
    /// Nothing at all.
    Silence,
    /// That the name does not exist.
    NoSuchName,
    /// That it exists, and has no address of this family.
    NoAddress,
    /// A code, such as SERVFAIL.
    Code(ResponseCode),
}

#[derive(Debug)]
struct Script {
    six: Says,
    four: Says,
    asked: Vec<String>,
}

/// A name server that is up until it is dropped.
pub(crate) struct NameServer {
    pub(crate) address: SocketAddr,
    script: Arc<Mutex<Script>>,
    over_tcp: Arc<AtomicUsize>,
    _server: Server<Answers>,
}

struct Answers {
    script: Arc<Mutex<Script>>,
    over_tcp: Arc<AtomicUsize>,
}

impl NameServer {
    /// Over UDP and TCP.
    pub(crate) async fn start() -> Self {
        Self::serve(true).await
    }

    /// Over UDP alone: whoever comes by TCP is refused.
    pub(crate) async fn without_tcp() -> Self {
        Self::serve(false).await
    }

    async fn serve(tcp: bool) -> Self {
        let script = Arc::new(Mutex::new(Script {
            six: Says::NoSuchName,
            four: Says::NoSuchName,
            asked: Vec::new(),
        }));
        let over_tcp = Arc::new(AtomicUsize::new(0));
        let mut server = Server::new(Answers {
            script: Arc::clone(&script),
            over_tcp: Arc::clone(&over_tcp),
        });
        // The same port of both protocols: where another has taken one of them, the next is tried.
        let (udp, listener) = loop {
            let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            if let Ok(listener) = TcpListener::bind(udp.local_addr().unwrap()).await {
                break (udp, listener);
            }
        };
        let address = udp.local_addr().unwrap();
        server.register_socket(udp);
        if tcp {
            server.register_listener(listener, Duration::from_secs(5), 16);
        }
        NameServer {
            address,
            script,
            over_tcp,
            _server: server,
        }
    }

    /// What is said from now on of AAAA and of A.
    pub(crate) fn says(&self, six: Says, four: Says) {
        let mut script = self.script.lock().unwrap();
        (script.six, script.four) = (six, four);
    }

    /// The questions so far, as `AAAA name`.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.script.lock().unwrap().asked.clone()
    }

    /// How many of them came over TCP.
    pub(crate) fn over_tcp(&self) -> usize {
        self.over_tcp.load(Ordering::SeqCst)
    }
}

#[async_trait::async_trait]
impl RequestHandler for Answers {
    async fn handle_request<R: ResponseHandler, T: Time>(&self, request: &Request, mut respond: R) -> ResponseInfo {
        let info = request.request_info().unwrap();
        let (name, kind) = (Name::from(info.query.name().clone()), info.query.query_type());
        if request.protocol() == hickory_server::net::xfer::Protocol::Tcp {
            self.over_tcp.fetch_add(1, Ordering::SeqCst);
        }
        let says = {
            let mut script = self.script.lock().unwrap();
            script.asked.push(format!("{kind} {name}"));
            if kind == RecordType::AAAA {
                script.six.clone()
            } else {
                script.four.clone()
            }
        };
        let mut metadata = Metadata::response_from_request(info.metadata);
        metadata.authoritative = true;
        let mut answers = Vec::new();
        let mut soa = Vec::new();
        match says {
            Says::Silence => {
                let metadata = Metadata::new(0, MessageType::Response, OpCode::Query);
                return ResponseInfo::from(hickory_server::proto::op::Header {
                    metadata,
                    counts: HeaderCounts::default(),
                });
            }
            Says::Addresses(addresses, ttl) => {
                answers.extend(addresses.iter().map(|address| {
                    let data = match address {
                        IpAddr::V4(address) => RData::A(A(*address)),
                        IpAddr::V6(address) => RData::AAAA(AAAA(*address)),
                    };
                    Record::from_rdata(name.clone(), ttl, data)
                }));
            }
            Says::NoSuchName | Says::NoAddress => {
                if matches!(says, Says::NoSuchName) {
                    metadata.response_code = ResponseCode::NXDomain;
                }
                let data = SOA::new(Name::root(), Name::root(), 1, 3600, 600, 86_400, 1);
                soa.push(Record::from_rdata(Name::root(), 1, RData::SOA(data)));
            }
            Says::Code(code) => metadata.response_code = code,
        }
        let mut edns = Edns::new();
        edns.set_max_payload(info_payload(request));
        let builder = MessageResponseBuilder::from_message_request(request);
        let mut response = builder.build(metadata, answers.iter(), [], soa.iter(), []);
        response.set_edns(&edns);
        respond.send_response(response).await.unwrap()
    }
}

/// How large an answer may be: what the asker says, as a name server must heed.
fn info_payload(request: &Request) -> u16 {
    request.edns.as_ref().map_or(512, Edns::max_payload)
}
