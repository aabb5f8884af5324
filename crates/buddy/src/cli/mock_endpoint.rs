//! `buddy mock-endpoint`: an endpoint that misbehaves as it is told to, for trying an agent against.

use std::error::Error;
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use buddy_mock::{Behaviour, Endpoint, Event, GROUPS};
use buddy_shop::certificate::Authority;
use clap::Args;
use tokio::sync::mpsc;

use super::block_on;
use super::print::show;
use super::serve::stop_signal;
use crate::ambient::Ambient;
use crate::curl::quoted;

/// What `buddy mock-endpoint` is told.
#[derive(Args, Debug)]
pub(super) struct Flags {
    /// How to behave: a name from --list.
    #[arg(long, value_name = "NAME", required_unless_present = "list")]
    behave: Option<String>,
    /// Show every behaviour, and what it leads to.
    #[arg(long)]
    list: bool,
    /// Address and port to listen on.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// The user to answer with [default: another one for each session].
    #[arg(long, value_name = "ID")]
    user_id: Option<String>,
    /// Where to write the certificate authority, in PEM [default: a temporary file].
    #[arg(long, value_name = "FILE")]
    ca_out: Option<PathBuf>,
}

/// Runs the endpoint until SIGTERM or SIGINT.
pub(super) fn run(flags: Flags) -> Result<(), Box<dyn Error>> {
    match &flags.behave {
        _ if flags.list => Ok(show(&list())?),
        None => Ok(()),
        Some(name) => {
            let behaviour = Behaviour::find(name).map_err(|nearest| unknown(name, &nearest))?;
            block_on(serve(behaviour, flags))?
        }
    }
}

fn unknown(name: &str, nearest: &[&str]) -> String {
    let nearest = nearest.join(", ");
    format!("--behave: no endpoint behaves `{name}`; the nearest names are {nearest}, and --list shows all.")
}

fn list() -> String {
    let widest = |text: fn(&Behaviour) -> usize| Behaviour::all().map(text).max().unwrap_or_default();
    let (name, expect) = (widest(|row| row.name.len()), widest(|row| row.expect.to_string().chars().count()));
    let mut text = String::new();
    for group in GROUPS {
        let _ = writeln!(text, "{}", group.title);
        for row in group.behaviours {
            let expected = row.expect.to_string();
            let _ = writeln!(text, "  {:name$}  {expected:expect$}  {}", row.name, row.does);
        }
        text.push('\n');
    }
    text.trim_end().to_owned()
}

async fn serve(behaviour: &'static Behaviour, flags: Flags) -> Result<(), Box<dyn Error>> {
    let stop = stop_signal()?;
    let authority = Authority::new()?;
    let (tell, mut events) = mpsc::unbounded_channel();
    let tell = move |event| {
        // After the end there is nobody left to be told.
        let _ = tell.send(event);
    };
    let endpoint = Endpoint::open(&authority, flags.listen, behaviour, flags.user_id, tell)
        .await
        .map_err(|error| format!("--listen {}: {error}.", flags.listen))?;
    let ca = CaFile::write(flags.ca_out, &authority.pem())?;
    show(&opening(behaviour, &endpoint, &ca.path))?;
    let tell_on = async {
        while let Some(event) = events.recv().await {
            if let Some(line) = line(&event) {
                show(&line)?;
            }
        }
        Ok(())
    };
    tokio::select! {
        () = stop => Ok(()),
        told = tell_on => told,
    }
}

fn opening(behaviour: &Behaviour, endpoint: &Endpoint, ca: &Path) -> String {
    let ip = endpoint.address().ip();
    let prefix = if ip.is_ipv4() { 32 } else { 128 };
    let Behaviour { name, does, expect, attempts, .. } = behaviour;
    let url = endpoint.url();
    let mut text = format!(
        "mock-endpoint {name}: {does}\n\
         url:      {url}\n\
         ca file:  {ca}\n\
         \n\
         Start a server that believes it and may call it:\n\
         \n\
         \x20 BUDDY_EGRESS_CA={ca} BUDDY_EGRESS_ALLOW={ip}/{prefix} buddy serve\n\
         \n\
         and give the URL to an agent: PUT /v1/agents/{{agentId}}/callback {{\"url\":\"{url}\"}}\n\
         \n\
         expect:   {expect}, after {}",
        count(*attempts),
        ca = quoted(&ca.display().to_string()),
    );
    if let Some((expect, attempts)) = behaviour.on_reuse {
        let _ = write!(text, "\nreused:   {expect}, after {}", count(attempts));
    }
    text.push_str("\nCtrl-C ends it. No signature is checked. What comes:");
    text
}

fn count(attempts: u8) -> String {
    if attempts == 1 { "1 attempt".to_owned() } else { format!("{attempts} attempts") }
}

/// One line for each request, and for what never becomes one.
fn line(event: &Event) -> Option<String> {
    match event {
        Event::Asked { connection, session_id, attempt } => {
            let session = session_id.as_deref().unwrap_or("no session of Buddy's");
            let attempt = attempt.as_deref().unwrap_or("?");
            Some(format!("connection {connection}: asked about {session}, attempt {attempt}"))
        }
        Event::Ended { connection, asked: 0 } => {
            Some(format!("connection {connection}: ended without a request"))
        }
        Event::Ended { .. } => None,
        Event::Trapped => Some("the address that no answer should lead to was CALLED".to_owned()),
    }
}

/// The authority's certificate where a server can read it.
struct CaFile {
    path: PathBuf,
    temporary: bool,
}

impl CaFile {
    fn write(wanted: Option<PathBuf>, pem: &str) -> Result<Self, String> {
        let temporary = wanted.is_none();
        let path = wanted.unwrap_or_else(|| {
            let name = format!("buddy-mock-{}.pem", hex::encode(Ambient::system().bytes::<8>()));
            std::env::temp_dir().join(name)
        });
        let mut options = OpenOptions::new();
        // A temporary file that is there already is somebody else's.
        options.write(true).mode(0o600).create(true).create_new(temporary).truncate(!temporary);
        let written = options.open(&path).and_then(|mut file| file.write_all(pem.as_bytes()));
        written.map_err(|error| format!("--ca-out {}: {error}.", path.display()))?;
        Ok(Self { path, temporary })
    }
}

impl Drop for CaFile {
    fn drop(&mut self) {
        if self.temporary {
            // It is of no use to anybody any more, and of no harm.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
