//! Acts a case out on one connection.

use std::ops::ControlFlow::{self, Break, Continue};
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use serde_json::{Value, json};
use socket2::SockRef;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::behaviour::{Act, Step};
use crate::endpoint::{Event, Stage};
use crate::wire::{self, Duplex};

/// Between two bytes of a drip: no wait for a single read is ever long.
const DRIP: Duration = Duration::from_millis(25);
/// After the deadline, so that nobody can call the answer timely.
const LATE_BY: Duration = Duration::from_millis(100);
/// Written at once where the same is sent over and over.
const BLOCK_BYTES: usize = 8 * 1024;

/// Until the connection has ended, by either side. Returns how many requests were read from it.
pub(crate) async fn play(connection: usize, stream: TcpStream, stage: &Stage) -> usize {
    let mut asked = 0;
    let manner = stage.manner();
    if let Act::Bare(steps) = manner.behaviour.act {
        let mut line = Line::Bare(stream);
        // A client that is cut off sooner takes it for a failed connect.
        line.has_more().await;
        let mut scene = Scene::new(&mut line, stage, Request::default());
        if scene.run(steps).await.is_continue() {
            wire::until_closed(line.io()).await;
        }
    } else if let Some(mut line) = Line::secure(stream, manner.tls).await {
        let _ = serve(connection, &mut line, stage, &mut asked).await;
    }
    asked
}

/// Request by request; what is done is decided at each anew.
async fn serve(connection: usize, line: &mut Line, stage: &Stage, asked: &mut usize) -> ControlFlow<()> {
    loop {
        let first = *asked == 0;
        match stage.manner().behaviour.act {
            Act::Silent => return line.has_ended().await,
            Act::CloseUnread if !first => {
                line.has_more().await;
                return Break(());
            }
            _ => {}
        }
        let Some(text) = wire::read_request(line.io()).await else { return Break(()) };
        let request = Request::of(&text);
        let Request { session_id, attempt, .. } = request.clone();
        stage.tell(Event::Asked { connection, session_id, attempt });
        *asked += 1;
        let mut scene = Scene::new(line, stage, request);
        match stage.manner().behaviour.act {
            Act::Whole(head, body) => scene.answer(head, body).await?,
            Act::Http(steps) => scene.run(steps).await?,
            Act::Later(steps) if !first => scene.run(steps).await?,
            _ => scene.run(&[Step::Answer]).await?,
        }
    }
}

/// What an endpoint needs to know of a request.
#[derive(Clone, Default)]
struct Request {
    session_id: Option<String>,
    attempt: Option<String>,
    time_left: Duration,
}

impl Request {
    fn of(text: &str) -> Self {
        let body: Value = serde_json::from_str(wire::body(text)).unwrap_or_default();
        let left = wire::header(text, "x-platform-deadline-ms").and_then(|left| left.parse().ok());
        Self {
            session_id: body["sessionId"].as_str().map(str::to_owned),
            attempt: wire::header(text, "x-platform-attempt").map(str::to_owned),
            time_left: Duration::from_millis(left.unwrap_or_default()),
        }
    }
}

/// One request's turn.
struct Scene<'a> {
    line: &'a mut Line,
    stage: &'a Stage,
    request: Request,
    /// Said, and not sent yet: what belongs together goes out together.
    said: Vec<u8>,
}

impl<'a> Scene<'a> {
    fn new(line: &'a mut Line, stage: &'a Stage, request: Request) -> Self {
        Self { line, stage, request, said: Vec::new() }
    }

    /// Breaks off where the connection is at its end.
    async fn run(&mut self, steps: &[Step]) -> ControlFlow<()> {
        for step in steps {
            self.step(step).await?;
        }
        self.flush().await
    }

    async fn step(&mut self, step: &Step) -> ControlFlow<()> {
        match step {
            Step::Answer => self.say_answer("200 OK", &self.json()),
            Step::AnswerWith(lines) => {
                self.say_answer(&format!("200 OK\r\n{}", lines.trim_end()), &self.json());
            }
            Step::Json => self.said.extend_from_slice(self.json().as_bytes()),
            Step::JsonInChunks => self.say_in_chunks(),
            Step::Say(text) => self.say(text),
            Step::Bytes(bytes) => self.said.extend_from_slice(bytes),
            Step::Repeat(bytes, times) => self.repeat(bytes, *times).await?,
            Step::Forever(text) => loop {
                self.repeat(text.as_bytes(), BLOCK_BYTES).await?;
            },
            Step::Drip(text) => return self.drip(text).await,
            Step::Flush => self.flush().await?,
            Step::Late => sleep(self.request.time_left + LATE_BY).await,
            Step::IgnoreFirstAttempt if self.request.attempt.as_deref() == Some("1") => {
                return self.line.has_ended().await;
            }
            Step::IgnoreFirstAttempt => {}
            Step::Close => {
                self.flush().await?;
                let _ = self.line.io().shutdown().await;
                return Break(());
            }
            Step::Cut => {
                self.flush().await?;
                return Break(());
            }
            Step::Reset => {
                self.flush().await?;
                // With nothing to linger for, the kernel resets when the socket is dropped.
                let _ = SockRef::from(self.line.tcp()).set_linger(Some(Duration::ZERO));
                return Break(());
            }
        }
        Continue(())
    }

    async fn answer(&mut self, head: &str, body: &str) -> ControlFlow<()> {
        self.say_answer(head, body);
        self.flush().await
    }

    fn say_answer(&mut self, head: &str, body: &str) {
        self.say(&format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
    }

    fn json(&self) -> String {
        let user_id = self.stage.user_id(self.request.session_id.as_deref());
        json!({"userId": user_id}).to_string()
    }

    fn say_in_chunks(&mut self) {
        for byte in self.json().bytes() {
            self.said.extend_from_slice(&[b'1', b'\r', b'\n', byte, b'\r', b'\n']);
        }
        self.said.extend_from_slice(b"0\r\n\r\n");
    }

    fn say(&mut self, text: &str) {
        let text = text.replace("{trap}", &self.stage.trap.to_string());
        self.said.extend_from_slice(text.as_bytes());
    }

    async fn repeat(&mut self, bytes: &[u8], times: usize) -> ControlFlow<()> {
        for _ in 0..times {
            self.said.extend_from_slice(bytes);
            if self.said.len() >= BLOCK_BYTES {
                self.flush().await?;
            }
        }
        Continue(())
    }

    async fn drip(&mut self, text: &str) -> ControlFlow<()> {
        self.flush().await?;
        let mut ticks = interval(DRIP);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for byte in text.bytes().cycle() {
            ticks.tick().await;
            self.said.push(byte);
            self.flush().await?;
        }
        Continue(())
    }

    async fn flush(&mut self) -> ControlFlow<()> {
        if self.said.is_empty() || wire::write(self.line.io(), &self.said).await {
            self.said.clear();
            return Continue(());
        }
        Break(())
    }
}

/// A connection, with TLS or in place of it.
enum Line {
    Bare(TcpStream),
    Secure(Box<TlsStream<TcpStream>>),
}

impl Line {
    async fn secure(stream: TcpStream, tls: Arc<ServerConfig>) -> Option<Self> {
        let stream = TlsAcceptor::from(tls).accept(stream).await.ok()?;
        Some(Self::Secure(Box::new(stream)))
    }

    fn io(&mut self) -> &mut dyn Duplex {
        match self {
            Self::Bare(stream) => stream,
            Self::Secure(stream) => stream,
        }
    }

    fn tcp(&self) -> &TcpStream {
        match self {
            Self::Bare(stream) => stream,
            Self::Secure(stream) => stream.get_ref().0,
        }
    }

    /// Waits until there is something to read, or nothing ever again.
    async fn has_more(&self) {
        let _ = self.tcp().peek(&mut [0]).await;
    }

    /// Waits until the other side has closed, and says no more.
    async fn has_ended(&mut self) -> ControlFlow<()> {
        wire::until_closed(self.io()).await;
        Break(())
    }
}
