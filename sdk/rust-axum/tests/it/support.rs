//! A server of one test, and a client that knows nothing of HTTP but how it is written.

use std::fmt::Write as _;
use std::net::SocketAddr;

use axum::Router;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::endpoint_rows::{Seen, Sent};

/// An application that runs until it is dropped.
pub(crate) struct Server {
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn open(app: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { address, serving }
    }

    pub(crate) async fn ask(&self, path: &str, sent: &Sent) -> Seen {
        self.ask_framed(path, sent, &format!("Content-Length: {}", sent.body.len())).await
    }

    /// Says in its own words where the body ends.
    pub(crate) async fn ask_framed(&self, path: &str, sent: &Sent, framing: &str) -> Seen {
        self.say(head(path, sent, framing) + &sent.body).await
    }

    #[expect(clippy::disallowed_methods, reason = "the test is the client")]
    async fn say(&self, text: String) -> Seen {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        read(&String::from_utf8(answer).unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn head(path: &str, sent: &Sent, framing: &str) -> String {
    let mut head = format!("{} {path} HTTP/1.1\r\n{framing}\r\nConnection: close\r\n", sent.method);
    if !sent.headers.contains_key("Host") {
        head += "Host: shop.example\r\n";
    }
    for (name, value) in &sent.headers {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    head + "\r\n"
}

fn read(answer: &str) -> Seen {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines.map(|line| line.split_once(": ").unwrap());
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
    Seen { status, headers: headers.collect(), body: body.to_owned() }
}
