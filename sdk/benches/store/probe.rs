//! A kept-alive connection that sends bytes made beforehand: the client must cost next to nothing, so that the servers are compared.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The longest answer, and the most that a stream is read in at once.
const BUFFER: usize = 64 * 1024;

/// A connection.
pub(crate) struct Probe {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Probe {
    /// Connects.
    pub(crate) async fn connect(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.expect("connected");
        stream.set_nodelay(true).expect("a socket option");
        Probe {
            stream,
            buffer: vec![0; BUFFER],
        }
    }

    /// Sends a request and reads its answer, which must be a success that says its length.
    pub(crate) async fn ask(&mut self, request: &[u8]) {
        self.stream.write_all(request).await.expect("written");
        let mut read = 0;
        loop {
            let more = self.stream.read(&mut self.buffer[read..]).await.expect("read");
            assert!(more > 0, "the server hung up");
            read += more;
            let said = &self.buffer[..read];
            let Some(head) = said.windows(4).position(|four| four == b"\r\n\r\n") else {
                continue;
            };
            let text = std::str::from_utf8(&said[..head]).expect("a head is text");
            assert!(text.starts_with("HTTP/1.1 2"), "{}", String::from_utf8_lossy(said));
            let length = text
                .split("\r\n")
                .find_map(|line| line.strip_prefix("content-length: "))
                .and_then(|length| length.parse::<usize>().ok())
                .expect("it says its length");
            if read >= head + 4 + length {
                return;
            }
        }
    }

    /// Sends a request and leaves its answer to be read with [`Probe::more`].
    pub(crate) async fn begin(&mut self, request: &[u8]) {
        self.stream.write_all(request).await.expect("written");
    }

    /// What has come, at least a byte of it.
    pub(crate) async fn more(&mut self) -> &[u8] {
        let read = self.stream.read(&mut self.buffer).await.expect("read");
        assert!(read > 0, "the server hung up");
        &self.buffer[..read]
    }
}

/// A request with a body of JSON.
pub(crate) fn request(method: &str, path: &str, body: &str) -> Vec<u8> {
    format!(
        "{method} {path} HTTP/1.1\r\nhost: core.localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
