//! tonic, with a message of the same fields.

use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status};

use crate::drive::{AsyncCall, serve_until_closed};

include!(concat!(env!("OUT_DIR"), "/bench.Core.rs"));

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Message {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(string, repeated, tag = "3")]
    tags: Vec<String>,
}

struct Echo;

#[tonic::async_trait]
impl core_server::Core for Echo {
    async fn echo(&self, request: Request<Message>) -> Result<Response<Message>, Status> {
        Ok(Response::new(request.into_inner()))
    }
}

pub(crate) async fn serve() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound").to_string();
    let incoming = TcpListenerStream::new(listener);
    let mut server = tokio::task::JoinSet::new();
    server.spawn(
        tonic::transport::Server::builder()
            .tcp_nodelay(true)
            .add_service(core_server::CoreServer::new(Echo))
            .serve_with_incoming(tokio_stream::StreamExt::map(incoming, |stream| {
                stream.and_then(|stream| stream.set_nodelay(true).map(|()| stream))
            })),
    );
    serve_until_closed(&[address]);
}

pub(crate) async fn connect(address: &str) -> Channel {
    Endpoint::from_shared(format!("http://{address}"))
        .expect("a URL")
        .tcp_nodelay(true)
        .connect()
        .await
        .expect("connected")
}

/// A caller; all share one connection, as tonic has it.
pub(crate) struct Caller(core_client::CoreClient<Channel>);

impl Caller {
    pub(crate) fn new(channel: Channel) -> Self {
        Caller(core_client::CoreClient::new(channel))
    }
}

impl AsyncCall for Caller {
    async fn call(&mut self) -> Result<(), String> {
        let message = Message {
            id: 7,
            name: "Ada Lovelace, countess".to_owned(),
            tags: vec!["first".to_owned(), "second".to_owned(), "third".to_owned()],
        };
        self.0.echo(message).await.expect("the server answers");
        Ok(())
    }
}
