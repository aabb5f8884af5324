//! A session: asked for, identified, stored if it is to be, answered.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use buddy_bench_peers::{Failure, agents, callback, tls};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request, Response, StatusCode, Uri};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::time::timeout;

use crate::origin::{Body, Origin};
use crate::writer::{Row, Writer};

/// The time of one attempt, as Buddy's is unless set.
const TIMEOUT: Duration = Duration::from_secs(3);
/// One attempt, and one more.
const ATTEMPTS: usize = 2;
const JSON: HeaderValue = HeaderValue::from_static("application/json");

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Begin<'a> {
    #[serde(borrow)]
    agent_id: Cow<'a, str>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Identity<'a> {
    #[serde(borrow)]
    pub(crate) user_id: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(crate) email: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(crate) role: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(crate) custom_attributes: Option<&'a RawValue>,
}

impl<'a> Identity<'a> {
    /// What the endpoint's answer says, if it names a user.
    pub(crate) fn of(answer: Option<&'a [u8]>) -> Option<Self> {
        serde_json::from_slice(answer?).ok().filter(|identity: &Self| !identity.user_id.is_empty())
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct View<'a> {
    session_id: &'a str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<Identity<'a>>,
}

/// Where an agent's callback goes.
struct Target {
    origin: Rc<Origin>,
    host: HeaderValue,
    path: Uri,
}

pub(crate) struct Sessions {
    key: hmac::Key,
    random: SystemRandom,
    targets: HashMap<String, Target>,
    writer: Option<Writer>,
}

impl Sessions {
    pub(crate) fn new(agents: &Path, ca: &Path, writer: Option<Writer>) -> Result<Self, Failure> {
        let connector = tls::connector(ca)?;
        let mut origins: HashMap<String, Rc<Origin>> = HashMap::new();
        let mut targets = HashMap::new();
        for (agent_id, url) in agents::read(agents)? {
            let url: Uri = url.parse()?;
            let host = url.authority().ok_or("a callback's URL has no host")?.to_string();
            let origin = match origins.get(&host) {
                Some(origin) => Rc::clone(origin),
                None => Rc::new(Origin::of(&url, connector.clone())?),
            };
            origins.insert(host.clone(), Rc::clone(&origin));
            let target = Target { origin, host: host.parse()?, path: url.path().parse()? };
            targets.insert(agent_id, target);
        }
        Ok(Self { key: callback::key(), random: SystemRandom::new(), targets, writer })
    }

    pub(crate) async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, Failure> {
        if request.uri().path() != "/v1/sessions" || request.method() != Method::POST {
            return Ok(refusal(StatusCode::NOT_FOUND));
        }
        let body = request.into_body().collect().await?.to_bytes();
        let Ok(begin) = serde_json::from_slice::<Begin>(&body) else {
            return Ok(refusal(StatusCode::BAD_REQUEST));
        };
        let millis = callback::unix_millis();
        let session_id = self.session_id(millis)?;
        let answer = self.ask(&session_id, &begin.agent_id, millis / 1_000).await;
        if let Some(writer) = &self.writer {
            let (id, agent_id) = (session_id.clone(), begin.agent_id.into_owned());
            writer.keep(Row { id, agent_id, answer: answer.clone(), at: millis }).await?;
        }
        let identity = Identity::of(answer.as_deref());
        let status = if identity.is_some() { "authenticated" } else { "anonymous" };
        let view = serde_json::to_vec(&View { session_id: &session_id, status, identity })?;
        let mut response = Response::new(Full::new(view.into()));
        response.headers_mut().insert(CONTENT_TYPE, JSON);
        Ok(response)
    }

    /// 48 bits of time, so that a new row is appended to its table, and 96 random ones.
    fn session_id(&self, millis: u64) -> Result<String, Failure> {
        let mut bytes = [0; 18];
        let (time, random) = bytes.split_at_mut(6);
        time.copy_from_slice(&millis.to_be_bytes()[2..]);
        self.random.fill(random).map_err(|_| "the system gives no random bytes")?;
        Ok(format!("sess_{}", hex::encode(bytes)))
    }

    async fn ask(&self, session_id: &str, agent_id: &str, unix_seconds: u64) -> Option<Bytes> {
        let target = self.targets.get(agent_id)?;
        let body = Bytes::from(callback::body(session_id, agent_id, unix_seconds));
        let signature = callback::sign(&self.key, &body);
        let signature = HeaderValue::from_maybe_shared(Bytes::from(signature)).ok()?;
        for _ in 0..ATTEMPTS {
            let mut request = Request::new(Full::new(body.clone()));
            *request.method_mut() = Method::POST;
            *request.uri_mut() = target.path.clone();
            let headers = request.headers_mut();
            headers.insert(HOST, target.host.clone());
            headers.insert(CONTENT_TYPE, JSON);
            headers.insert(callback::SIGNATURE, signature.clone());
            if let Ok(Ok(answer)) = timeout(TIMEOUT, target.origin.send(request)).await {
                return Some(answer);
            }
        }
        None
    }
}

fn refusal(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}
