//! What stands before a replica and makes it ill: the network namespace's kernel may have no netem. The replica behind it does all that it is
//! asked, so that a caller who asks twice has it done twice.

use std::net::{Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::process::orders;
use crate::replica::PORT;

/// How much later an answer comes through a slow one.
const SLOW: Duration = Duration::from_millis(500);
/// What is answered in the replica's place.
const ERROR: &[u8] = b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n";
/// More than a question or an answer of these tests has, so that each is read at once.
const CHUNK: usize = 64 * 1024;

/// What becomes of answers.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mood {
    Well,
    Slow,
    Errors,
    Resets,
    Mute,
}

/// Each order is how it is from then on.
pub(crate) async fn serve(upstream: &str) -> ExitCode {
    let upstream = SocketAddr::from((upstream.parse::<Ipv6Addr>().unwrap(), PORT));
    let listener = TcpListener::bind((Ipv6Addr::UNSPECIFIED, PORT)).await.unwrap();
    let mood = watch::Sender::new(Mood::Well);
    let seen = mood.subscribe();
    tokio::spawn(async move {
        loop {
            let (caller, _) = listener.accept().await.unwrap();
            let mood = seen.clone();
            tokio::spawn(async move {
                // A connection that ends early is what this is for.
                let _ = connection(caller, upstream, mood).await;
            });
        }
    });
    println!("ready");
    let mut orders = orders();
    while let Some(order) = orders.recv().await {
        mood.send_replace(match order.as_str() {
            "slow" => Mood::Slow,
            "errors" => Mood::Errors,
            "resets" => Mood::Resets,
            "mute" => Mood::Mute,
            _ => Mood::Well,
        });
        println!("done");
    }
    ExitCode::SUCCESS
}

async fn connection(caller: TcpStream, upstream: SocketAddr, mood: watch::Receiver<Mood>) -> std::io::Result<()> {
    let replica = TcpStream::connect(upstream).await?;
    caller.set_nodelay(true)?;
    replica.set_nodelay(true)?;
    let ((asks, hears), (answers, does)) = (caller.into_split(), replica.into_split());
    tokio::select! {
        ended = questions(asks, does) => ended,
        ended = relay(answers, hears, mood) => ended,
    }
}

async fn questions(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> std::io::Result<()> {
    tokio::io::copy(&mut from, &mut to).await.map(drop)
}

async fn relay(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mood: watch::Receiver<Mood>) -> std::io::Result<()> {
    let mut answer = vec![0; CHUNK];
    loop {
        let length = from.read(&mut answer).await?;
        if length == 0 {
            return Ok(());
        }
        let now = *mood.borrow();
        match now {
            Mood::Well => to.write_all(&answer[..length]).await?,
            Mood::Slow => {
                tokio::time::sleep(SLOW).await;
                to.write_all(&answer[..length]).await?;
            }
            Mood::Errors => to.write_all(ERROR).await?,
            Mood::Resets => {
                SockRef::from(to.as_ref()).set_linger(Some(Duration::ZERO))?;
                return Ok(());
            }
            // Taken, and never passed on.
            Mood::Mute => {}
        }
    }
}
