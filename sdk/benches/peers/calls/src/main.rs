//! The echo of the bench of calls by other means: `serve KIND` and `drive KIND`, as that bench does with its own.

// The loop and the clock are the bench's own, so that there is nothing in which the measuring differs.
#[path = "../../../rpc/drive.rs"]
mod drive;
mod h2;
mod rpc;

use drive::{Server, drive};

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve", "tonic"] => runtime.block_on(rpc::serve()),
        ["serve", _] => runtime.block_on(h2::serve()),
        ["drive", "tonic"] => {
            let server = Server::start("tonic");
            let channel = runtime.block_on(rpc::connect(&server.addresses[0]));
            drive(&runtime, Some(server.id()), async || rpc::Caller::new(channel.clone()));
        }
        ["drive", _] => {
            let server = Server::start("h2");
            let http = h2::client();
            let url = format!("http://{}/echo", server.addresses[0]);
            drive(&runtime, Some(server.id()), async || h2::Caller {
                http: http.clone(),
                url: url.clone(),
            });
        }
        _ => eprintln!("usage: blackroad-bench-calls drive|serve tonic|h2"),
    }
}
