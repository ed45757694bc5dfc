//! A process on a host of the network: it is told things by line, and answers by line. It ends when its standard input does.

use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::network::Network;

/// How long a process may take to answer, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A process that runs; dropped, it is killed.
pub(crate) struct Process {
    child: Child,
    orders: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    role: String,
}

impl Process {
    /// Runs this binary in a role on a host.
    pub(crate) fn start(network: &Network, host: u16, role: &[&str]) -> Self {
        let own = std::env::current_exe().unwrap();
        // `ip` becomes the program that it is given, so a signal to the child is one to the role.
        let mut child = Command::new("ip")
            .args(["netns", "exec", &network.namespace(host)])
            .arg(own)
            .args(role)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Process {
            orders: child.stdin.take().unwrap(),
            lines: BufReader::new(child.stdout.take().unwrap()).lines(),
            child,
            role: role.join(" "),
        }
    }

    /// Waits until it says a word.
    pub(crate) async fn says(&mut self, word: &str) {
        let line = timeout(PATIENCE, self.lines.next_line()).await;
        let line = line.unwrap_or_else(|_| panic!("{} does not say {word}", self.role));
        assert_eq!(line.unwrap().as_deref(), Some(word), "{}", self.role);
    }

    /// Gives an order and waits until it is carried out.
    pub(crate) async fn tell(&mut self, order: &str) {
        self.orders.write_all(format!("{order}\n").as_bytes()).await.unwrap();
        self.says("done").await;
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let id = self.child.id().expect("it was not waited for");
        kill_process(Pid::from_raw(id.try_into().unwrap()).unwrap(), signal).unwrap();
    }

    /// Waits for its end, by itself.
    pub(crate) async fn ended(mut self) {
        let status = timeout(PATIENCE, self.child.wait()).await;
        let status = status.unwrap_or_else(|_| panic!("{} does not end", self.role));
        assert!(status.unwrap().success(), "{}", self.role);
    }
}

/// The orders that this process is given, to their end.
pub(crate) fn orders() -> mpsc::UnboundedReceiver<String> {
    let (sender, orders) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    orders
}
