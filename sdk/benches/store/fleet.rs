//! A service of one, with its whole kernel, on the loopback: what `http` and `sse` speak to; and a bare axum beside it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use syscall_sdk::config::Variables;
use syscall_sdk::context::{JobContext, Kernel};
use syscall_sdk::contract::Task;
use syscall_sdk::host::{Door, DrainBudget, Host, Running};
use syscall_sdk::service::Service;
use syscall_sdk::transport::{Bind, Bound};
use syscall_sdk::wire::Json;

use crate::ground::Ground;
use crate::life::JOB;

const NOOP: Task<Json, Json> = Task::new("core", JOB);

/// A running service.
pub(crate) struct Fleet {
    running: Running,
    /// Where it listens.
    pub(crate) port: u16,
    /// What its routes stand on.
    pub(crate) kernel: Arc<Kernel>,
}

fn core() -> Service {
    Service::new("core", "1").task(NOOP, |_: JobContext, order: Json| async move { Ok(order) })
}

impl Fleet {
    /// Starts it on some ground.
    pub(crate) async fn start(ground: &Ground<'_>) -> Self {
        let (name, value) = match ground {
            Ground::Schema { server, .. } => ("DATABASE_URL", server.url.clone()),
            disk => ("DATA_DIR", disk.folder().display().to_string()),
        };
        let variables = Variables::from([(name.to_owned(), value)]);
        let loopback = Bind::Tcp(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0));
        let running = Host::new(variables)
            .mount(core)
            .start(vec![Door::of_service("core", vec![loopback])])
            .await
            .expect("it boots");
        let port = match running.bound().first() {
            Some(Bound::Tcp(address)) => address.port(),
            _ => panic!("it listens on TCP"),
        };
        let kernel = running.kernel("core").expect("it runs");
        Fleet { running, port, kernel }
    }

    /// Ends it.
    pub(crate) async fn stop(self) {
        drop(self.kernel);
        self.running.stop(DrainBudget::none(), "bench").await;
    }
}

/// Serves some routes on a port of the loopback for as long as the set lives.
pub(crate) async fn bare(routes: axum::Router) -> (u16, tokio::task::JoinSet<std::io::Result<()>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let served = tokio::task::JoinSet::from_iter([axum::serve(listener, routes).into_future()]);
    (port, served)
}
