//! A model that fails, hangs or knows no end: the visitor reads a calm sentence, and never what it says.

use std::sync::Mutex;
use std::time::Duration;

use buddy_agent::{AgentSettings, Answerer, Patience};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{INTERRUPTED, reply, say};
use crate::support::{Agent, Buddy, MODEL, Model, Says};

const SORRY: &str = "Sorry, I can't answer right now. Please try again in a moment.";

/// An agent of this process, so that a test says how long it waits for its model.
struct InProcess {
    stop: CancellationToken,
    running: JoinHandle<Result<(), buddy_agent::AgentError>>,
}

impl InProcess {
    fn start(buddy: &Buddy, agent: &Agent, base_url: &str, patience: Patience) -> Self {
        let model = buddy_agent::Model {
            base_url: base_url.parse().unwrap(),
            name: MODEL.to_owned(),
            key: None,
            instructions: None,
            patience,
        };
        let settings = AgentSettings {
            server: format!("http://{}", buddy.address).parse().unwrap(),
            api_key: agent.key.clone().into(),
            answerer: Answerer::Model(Box::new(model)),
            roots_pem: None,
        };
        let stop = CancellationToken::new();
        let running = tokio::spawn(buddy_agent::Agent::new(settings).unwrap().run(stop.clone()));
        Self { stop, running }
    }

    async fn stop(self) {
        self.stop.cancel();
        self.running.await.unwrap().unwrap();
    }
}

/// What a visitor reads who asks a model that fails so.
async fn read_of(buddy: &Buddy, agent: &Agent, base_url: &str, patience: Patience) -> String {
    let in_process = InProcess::start(buddy, agent, base_url, patience);
    let session = buddy.session(agent).await;
    let mut visitor = buddy.listen(&session, None).await;
    say(buddy, &session, "Hello").await;
    let seen = reply(&mut visitor).await;
    in_process.stop().await;
    seen.text
}

#[tokio::test]
async fn a_model_that_fails_gets_the_visitor_a_calm_sentence_and_never_what_it_says() {
    let buddy = Buddy::alone();
    let says = Says::piece("So far");
    let half = format!("So far\n\n{INTERRUPTED}");
    let error = "data: {\"error\":{\"message\":\"canary\"}}\n\n";
    let events = "text/event-stream";
    let cases: Vec<(&str, Says, &str)> = vec![
        ("an error", Says::Status(500, "canary"), SORRY),
        ("a wrong key", Says::Status(401, "{\"error\":\"canary\"}"), SORRY),
        ("a redirect", Says::Status(302, "canary"), SORRY),
        ("no stream", Says::Raw("application/json", "{\"choices\":[]}".into()), SORRY),
        ("a page", Says::Raw("text/html", "<html>canary".into()), SORRY),
        ("garbage", Says::Raw(events, "data: canary\n\n".into()), SORRY),
        ("an error in the stream", Says::Raw(events, error.into()), SORRY),
        ("nothing", Says::Raw(events, String::new()), SORRY),
        ("no words", Says::All(vec![" \n".into(), "\u{1b}\r".into()]), SORRY),
        ("an endless event", Says::Raw(events, format!("data: {}", "x".repeat(200_000))), SORRY),
        ("a cut", Says::Raw(events, says.clone()), &half),
        ("an error in the middle", Says::Raw(events, says.clone() + error), &half),
        ("garbage in the middle", Says::Raw(events, says + "data: canary\n\n"), &half),
    ];
    for (name, says, expected) in cases {
        let agent = buddy.bare_agent().await;
        let says = Mutex::new(Some(says));
        let model = Model::open(move |_, _| says.lock().unwrap().take().unwrap()).await;
        let read = read_of(&buddy, &agent, &model.base_url(), Patience::default()).await;
        assert_eq!(read, expected, "{name}");
    }
    // Nobody listens there.
    let down = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let agent = buddy.bare_agent().await;
    let read = read_of(&buddy, &agent, &format!("http://{down}/v1"), Patience::default()).await;
    assert_eq!(read, SORRY, "down");
}

#[tokio::test]
async fn a_model_that_hangs_is_not_waited_for_beyond_each_patience() {
    let buddy = Buddy::alone();
    let (short, long) = (Duration::from_millis(200), Duration::from_mins(1));
    let half = format!("So far\n\n{INTERRUPTED}");
    for (name, patience, begins, expected) in [
        ("first", Patience { first: short, idle: long, total: long }, None, SORRY),
        (
            "first, though it comments",
            Patience { first: short, idle: long, total: long },
            Some(": wait\n\n".to_owned()),
            SORRY,
        ),
        ("idle", Patience { first: long, idle: short, total: long }, Some(Says::piece("So far")), &*half),
        ("total", Patience { first: long, idle: long, total: short }, Some(Says::piece("So far")), &*half),
    ] {
        let agent = buddy.bare_agent().await;
        let (tell, told) = Says::told();
        let model = Model::open(move |_, _| told()).await;
        if let Some(begins) = begins {
            tell.send(begins).unwrap();
        }
        let read = read_of(&buddy, &agent, &model.base_url(), patience).await;
        assert_eq!(read, expected, "{name}");
    }
}

#[tokio::test]
async fn a_reply_that_is_too_long_is_ended_whole() {
    let buddy = Buddy::alone();
    let agent = buddy.bare_agent().await;
    let model = Model::open(|_, _| Says::All(vec!["🦀".repeat(20_000); 2])).await;
    let read = read_of(&buddy, &agent, &model.base_url(), Patience::default()).await;
    let crabs = read.chars().take_while(|letter| *letter == '🦀').count();
    assert!((31_000..32_000).contains(&crabs) && read.chars().count() <= 32_000, "{crabs}");
    assert!(read.ends_with("\n\n… This is as much as fits here. Please ask on."), "{crabs}");
}
