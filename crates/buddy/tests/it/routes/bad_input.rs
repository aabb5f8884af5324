//! Every call of the API, taken from the OpenAPI document so that none is forgotten, with everything that can be
//! wrong about it: each fault is refused with its own status and code, and changes nothing.

use std::convert::Infallible;

use axum::body::Body;
use http::Request;
use serde_json::{Map, Value, json};

use super::{NO_AGENT, NO_KEY, NO_MESSAGE, NO_RESOLUTION, NO_SESSION};
use crate::support::{ADMIN_TOKEN, Agent, Api, Buddy, GOLDEN, Reply, Session};

const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];
/// The largest body that any call takes.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// A call as the document describes it.
struct Call {
    document: Value,
    method: String,
    template: String,
    operation: Value,
}

/// What is wrong with a request, and how it is to be refused.
struct Fault {
    what: String,
    request: Request<Body>,
    status: u16,
    code: &'static str,
}

/// Everything that a path may name.
struct World {
    buddy: Buddy,
    agent: Agent,
    session: Session,
    message_id: String,
    key_id: String,
    resolution_id: String,
}

impl World {
    async fn new() -> Self {
        let buddy = Buddy::alone();
        let agent = buddy.bare_agent().await;
        // Its end is the resolution that is there to be read.
        let ended = buddy.session(&agent).await;
        let resolution_id = text(&buddy.resolution(&agent, &ended).await, "resolutionId");
        let callback = json!({"url": "https://localhost:1/", "secret": agent.secret, "requireTicket": true});
        buddy.operator("PUT", &(agent.path() + "/callback"), Some(callback)).await.expect_status(200);
        let session = buddy.session_to_identify(&agent).await;
        // A reply that may grow, so that only what is wrong with an append keeps it from that.
        let reply = Some(json!({"text": "Hello", "done": false}));
        let reply = buddy.software("POST", &agent, &(session.path() + "/messages"), reply).await;
        let message_id = reply.expect_status(201).text("messageId");
        // The key was used, so that its next use within the minute is no change.
        buddy.identity(&agent, &ended).await;
        let keys = buddy.operator("GET", &(agent.path() + "/api-keys"), None).await.json;
        Self { key_id: text(&keys["apiKeys"][0], "keyId"), buddy, agent, session, message_id, resolution_id }
    }

    fn id(&self, parameter: &str) -> &str {
        match parameter {
            "agentId" => &self.agent.id,
            "sessionId" => &self.session.id,
            "messageId" => &self.message_id,
            "keyId" => &self.key_id,
            "resolutionId" => &self.resolution_id,
            other => panic!("the tests do not know {other}"),
        }
    }

    /// Fills in the template; `replaced` names a parameter and what stands in its place.
    fn path(&self, template: &str, replaced: Option<(&str, &str)>) -> String {
        let parts = template.split('/').map(|part| {
            let Some(name) = part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) else {
                return part;
            };
            match replaced {
                Some((other, instead)) if other == name => instead,
                _ => self.id(name),
            }
        });
        parts.collect::<Vec<_>>().join("/")
    }

    fn api(&self) -> &Api {
        &self.buddy.api
    }

    /// A token for each kind of caller.
    fn token(&self, scheme: &str) -> &str {
        match scheme {
            "sessionToken" => &self.session.token,
            "apiKey" => &self.agent.key,
            "adminToken" => ADMIN_TOKEN,
            other => panic!("the tests do not know {other}"),
        }
    }

    /// A body that the call would take.
    fn good_body(&self, operation_id: &str) -> Value {
        match operation_id {
            "createAgent" | "updateAgent" => {
                json!({"name": "New", "allowedOrigins": ["https://new.example"], "sessionTtlSeconds": 60})
            }
            "putCallback" => json!({
                "url": "https://localhost:2/", "secret": "another-secret-0123", "timeoutMs": 1000,
                "maxConcurrent": 5, "requireTicket": false, "enabled": false,
            }),
            "rotateCallbackSecret" => json!({"secret": "another-secret-0123", "overlapSeconds": 60}),
            "createApiKey" => json!({"label": "New"}),
            "beginSession" => json!({"agentId": self.agent.id, "identify": true}),
            "identifySession" => json!({"ticket": self.agent.ticket(&self.session)}),
            "compareUsers" => json!({"sessionId": self.session.id, "sessionToken": self.session.token}),
            "checkCallback" | "revokeIdentities" => json!({"sessionId": self.session.id}),
            "writeMessage" => json!({"text": "Hello"}),
            "appendToMessage" => json!({"text": "!", "done": true}),
            other => panic!("the tests do not know a body for {other}"),
        }
    }

    /// All that can be read to its end, but for answers that tell of the waiting or the counting itself, and the log of
    /// what was refused.
    async fn everything(&self, calls: &[Call]) -> Vec<Value> {
        let mut everything = Vec::new();
        let told = |call: &&Call| call.method == "GET" && !call.goes_on() && call.id() != "listAudit";
        for call in calls.iter().filter(told) {
            let path = self.path(&call.template, None);
            let reply = self.api().call("GET", &path, Some(self.token(call.caller())), None).await;
            everything.push(reply.expect_status(200).json);
        }
        everything
    }
}

fn text(json: &Value, member: &str) -> String {
    json[member].as_str().unwrap_or_else(|| panic!("no {member} in {json}")).to_owned()
}

/// Every call of the document.
fn calls() -> Vec<Call> {
    let document: Value = serde_json::from_str(&std::fs::read_to_string(GOLDEN).unwrap()).unwrap();
    let mut calls = Vec::new();
    for (template, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let (document, method, operation) = (document.clone(), method.to_uppercase(), operation.clone());
            calls.push(Call { document, method, template: template.clone(), operation });
        }
    }
    assert!(calls.len() >= 24, "the document has lost calls");
    calls
}

impl Call {
    fn id(&self) -> &str {
        self.operation["operationId"].as_str().unwrap()
    }

    /// The credential that it takes.
    fn caller(&self) -> &str {
        let security = self.operation["security"].as_array().unwrap();
        let schemes = security.iter().find_map(|scheme| scheme.as_object().unwrap().keys().next());
        schemes.expect("every call of the document takes a credential, needed or not")
    }

    fn takes_strangers(&self) -> bool {
        self.operation["security"].as_array().unwrap().contains(&json!({}))
    }

    fn takes(&self, scheme: &str) -> bool {
        self.operation["security"].as_array().unwrap().iter().any(|taken| taken.get(scheme).is_some())
    }

    /// It is answered with a stream of events.
    fn goes_on(&self) -> bool {
        self.operation["responses"]["200"]["content"].get("text/event-stream").is_some()
    }

    fn parameters(&self, place: &str) -> Vec<&Value> {
        let all = self.operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
        all.iter().filter(|parameter| parameter["in"] == place).collect()
    }

    fn has_body(&self) -> bool {
        self.operation.get("requestBody").is_some()
    }

    fn body_required(&self) -> bool {
        self.operation["requestBody"]["required"] == true
    }

    /// The schemas of the body's members.
    fn body_members(&self) -> Map<String, Value> {
        let schema = &self.operation["requestBody"]["content"]["application/json"]["schema"];
        let reference = schema["$ref"].as_str().or_else(|| schema["oneOf"][0]["$ref"].as_str());
        let name = reference.expect("a body is a named schema").rsplit('/').next().unwrap();
        self.document["components"]["schemas"][name]["properties"].as_object().unwrap().clone()
    }

    fn request(&self, world: &World) -> http::request::Builder {
        world.api().request(&self.method, &world.path(&self.template, None))
    }

    /// The call as it should be, but for its body.
    fn signed(&self, world: &World) -> http::request::Builder {
        let token = world.token(self.caller());
        self.request(world).header("authorization", format!("Bearer {token}"))
    }

    /// With this for a body, and all else as it should be.
    fn with_body(&self, world: &World, body: impl Into<Body>) -> Request<Body> {
        self.signed(world).header("content-type", "application/json").body(body.into()).unwrap()
    }

    /// With another path or query, and all else as it should be.
    fn at(&self, world: &World, path: &str) -> Request<Body> {
        let token = world.token(self.caller());
        let request =
            world.api().request(&self.method, path).header("authorization", format!("Bearer {token}"));
        self.finish(world, request)
    }

    /// With a good body, if it takes one.
    fn finish(&self, world: &World, request: http::request::Builder) -> Request<Body> {
        if !self.has_body() {
            return request.body(Body::empty()).unwrap();
        }
        let body = world.good_body(self.id()).to_string();
        request.header("content-type", "application/json").body(Body::from(body)).unwrap()
    }
}

/// No credential, half a one, one of another kind, one that is not known.
fn faults_of_credentials(call: &Call, world: &World) -> Vec<Fault> {
    let right = world.token(call.caller());
    let mut headers: Vec<Vec<String>> = vec![
        vec![String::new()],
        vec!["Bearer".into()],
        vec!["Bearer ".into()],
        vec![right.to_owned()],
        vec![format!("Basic {right}")],
        vec![format!("Bearer{right}")],
        vec![format!("Bearer {right}x")],
        vec![format!("Bearer {}", right.to_uppercase())],
        vec![format!("Bearer {right} {right}")],
        vec![format!("Bearer {right}, Bearer {right}")],
        vec![format!("Bearer {right}"); 2],
    ];
    for scheme in ["sessionToken", "apiKey", "adminToken"] {
        if !call.takes(scheme) {
            headers.push(vec![format!("Bearer {}", world.token(scheme))]);
        }
    }
    for prefix in ["bst_", "bpk_", "bat_", "bcs_"] {
        headers.push(vec![format!("Bearer {prefix}")]);
        headers.push(vec![format!("Bearer {prefix}{}", "0".repeat(43))]);
    }
    if !call.takes_strangers() {
        headers.push(Vec::new());
    }
    let fault = |values: Vec<String>| {
        let request =
            values.iter().fold(call.request(world), |request, value| request.header("authorization", value));
        let request = call.finish(world, request);
        Fault { what: format!("authorization {values:?}"), request, status: 401, code: "UNAUTHENTICATED" }
    };
    headers.into_iter().map(fault).collect()
}

/// Ids that name nothing.
fn faults_of_ids(call: &Call, world: &World) -> Vec<Fault> {
    let mut faults = Vec::new();
    for parameter in call.parameters("path") {
        let name = parameter["name"].as_str().unwrap();
        let upper = world.id(name).to_uppercase();
        let nothing = [
            NO_AGENT,
            NO_SESSION,
            NO_MESSAGE,
            NO_KEY,
            NO_RESOLUTION,
            "nonsense",
            "%20",
            "%ff",
            "%00",
            &upper,
        ];
        for instead in nothing {
            let request = call.at(world, &world.path(&call.template, Some((name, instead))));
            faults.push(Fault { what: format!("{name} {instead}"), request, status: 404, code: "NOT_FOUND" });
        }
    }
    faults
}

/// Queries that are wrong by the document's own words.
fn faults_of_queries(call: &Call, world: &World) -> Vec<Fault> {
    let parameters = call.parameters("query");
    let mut queries = vec![("nonsense=1".to_owned(), 400), ("=".to_owned(), 400)];
    for parameter in parameters {
        let (name, schema) = (parameter["name"].as_str().unwrap(), &parameter["schema"]);
        queries.push((format!("{name}=1&{name}=1"), 400));
        queries.push((format!("{}=1", name.to_uppercase()), 400));
        if let Some(maximum) = schema["maximum"].as_u64() {
            queries.push((format!("{name}={}", maximum + 1), 422));
            queries.extend(
                ["x", "", "-1", "1.0", "1e1", "99999999999999999999"].map(|n| (format!("{name}={n}"), 400)),
            );
        }
        if let Some(minimum @ 1..) = schema["minimum"].as_u64() {
            queries.push((format!("{name}={}", minimum - 1), 422));
        }
    }
    let fault = |(query, status): (String, u16)| {
        let request = call.at(world, &format!("{}?{query}", world.path(&call.template, None)));
        Fault { what: format!("?{query}"), request, status, code: code_of(status) }
    };
    queries.into_iter().map(fault).collect()
}

fn code_of(status: u16) -> &'static str {
    if status == 422 { "INVALID_VALUE" } else { "INVALID_REQUEST" }
}

/// Bodies that are no JSON object of the call's members.
fn faults_of_bodies(call: &Call, world: &World) -> Vec<Fault> {
    if !call.has_body() {
        return Vec::new();
    }
    let good = world.good_body(call.id());
    let members = good.as_object().unwrap();
    let (first, value) = members.iter().next().unwrap();
    let whole = good.to_string();
    let mut unknown = good.clone();
    unknown["nonsense"] = json!(1);
    let mut bodies: Vec<Vec<u8>> = vec![
        whole[..whole.len() - 1].into(),
        format!("{whole}x").into(),
        format!("{whole}{whole}").into(),
        whole.replace('"', "'").into(),
        whole.replace(':', "=").into(),
        [b"\xef\xbb\xbf".as_slice(), whole.as_bytes()].concat(),
        [b"{\"\xff\":1}".as_slice()].concat(),
        b" ".to_vec(),
        b"null".to_vec(),
        b"true".to_vec(),
        b"1".to_vec(),
        b"\"text\"".to_vec(),
        b"[]".to_vec(),
        "[".repeat(10_000).into(),
        // The members' values in their order: an array is no object, however well it fits.
        json!(call.body_members().keys().map(|name| good[name].clone()).collect::<Vec<_>>())
            .to_string()
            .into(),
        json!(members.values().collect::<Vec<_>>()).to_string().into(),
        json!([good]).to_string().into(),
        unknown.to_string().into(),
        format!("{{\"{first}\":{value},{}", &whole[1..]).into(),
        whole.replacen(first, &first.to_uppercase(), 1).into(),
    ];
    if call.body_required() {
        bodies.push(Vec::new());
    }
    for name in members.keys() {
        for wrong in [json!({}), json!({"a": 1}), json!([1]), json!(1.5)] {
            let mut with = good.clone();
            with[name] = wrong;
            bodies.push(with.to_string().into());
        }
    }
    let fault = |body: Vec<u8>| Fault {
        what: format!("body {}", String::from_utf8_lossy(&body).chars().take(200).collect::<String>()),
        request: call.with_body(world, body),
        status: 400,
        code: "INVALID_REQUEST",
    };
    bodies.into_iter().map(fault).collect()
}

/// Values beyond the bounds that the document names.
fn faults_of_values(call: &Call, world: &World) -> Vec<Fault> {
    let mut values = Vec::new();
    if call.has_body() {
        for (name, schema) in call.body_members() {
            if let Some(maximum) = schema["maximum"].as_i64() {
                values.push((name.clone(), json!(maximum + 1), 422));
            }
            if let Some(minimum) = schema["minimum"].as_i64() {
                values.push((name.clone(), json!(minimum - 1), if minimum > 0 { 422 } else { 400 }));
                values.push((name.clone(), json!(-1), 400));
                values.push((name.clone(), json!(u64::MAX), 400));
                values.push((name.clone(), json!("60"), 400));
            }
            if let Some(maximum) = schema["maxLength"].as_u64().filter(|_| name != "url") {
                values.push((name.clone(), json!("x".repeat(usize::try_from(maximum).unwrap() + 1)), 422));
                values.push((name.clone(), json!(1), 400));
            }
            if schema["minLength"].is_u64() {
                values.push((name.clone(), json!(""), 422));
            }
            if let Some(maximum) = schema["maxItems"].as_u64() {
                let many: Vec<_> = (0..=maximum).map(|n| format!("https://a{n}.example")).collect();
                values.push((name.clone(), json!(many), 422));
            }
        }
    }
    let fault = |(name, value, status): (String, Value, u16)| {
        let mut body = world.good_body(call.id());
        body[&name] = value;
        let what = format!("{name}: {}", body[&name].to_string().chars().take(100).collect::<String>());
        Fault { what, request: call.with_body(world, body.to_string()), status, code: code_of(status) }
    };
    values.into_iter().map(fault).collect()
}

/// What is sent is not what was said, or too much of it.
fn faults_of_sending(call: &Call, world: &World) -> Vec<Fault> {
    if !call.has_body() {
        return Vec::new();
    }
    let good = world.good_body(call.id()).to_string();
    let types = [
        None,
        Some("text/plain"),
        Some("text/json"),
        Some("application/x-www-form-urlencoded"),
        Some("application/jsonx"),
        Some("application/problem+json"),
        Some(""),
    ];
    let mut faults: Vec<_> = types
        .map(|content_type| {
            let mut request = call.signed(world);
            if let Some(content_type) = content_type {
                request = request.header("content-type", content_type);
            }
            let what = format!("content type {content_type:?}");
            let request = request.body(Body::from(good.clone())).unwrap();
            Fault { what, request, status: 415, code: "UNSUPPORTED_MEDIA_TYPE" }
        })
        .into();
    // White space is JSON too: nothing but the size is wrong.
    let large = good.clone() + &" ".repeat(BODY_BYTES_MAX + 1 - good.len());
    let chunks = large.as_bytes().chunks(4096).map(|part| Ok::<_, Infallible>(part.to_vec()));
    let chunks: Vec<_> = chunks.collect();
    let streamed = Body::from_stream(futures_util::stream::iter(chunks));
    for (what, body) in [("64 KiB and a byte", Body::from(large)), ("the same without a length", streamed)] {
        let request = call.with_body(world, body);
        faults.push(Fault { what: what.into(), request, status: 413, code: "PAYLOAD_TOO_LARGE" });
    }
    faults
}

#[track_caller]
fn refused(call: &Call, what: &str, reply: Reply, status: u16, code: &str) -> Reply {
    let (method, template) = (&call.method, &call.template);
    assert_eq!(
        (reply.status.as_u16(), &reply.json["code"]),
        (status, &json!(code)),
        "{method} {template}, {what}: {reply:?}"
    );
    reply.expect_problem(status, code)
}

async fn try_all(faults_of: impl Fn(&Call, &World) -> Vec<Fault>) {
    let (calls, world) = (calls(), World::new().await);
    let before = world.everything(&calls).await;
    let mut tried = 0;
    for call in &calls {
        for fault in faults_of(call, &world) {
            let reply = world.api().send(fault.request).await;
            let reply = refused(call, &fault.what, reply, fault.status, fault.code);
            let asks = reply.headers.get("www-authenticate").map(|value| value.to_str().unwrap());
            assert_eq!(asks, (fault.status == 401).then_some("Bearer"));
            tried += 1;
        }
        let after = world.everything(&calls).await;
        assert_eq!(after, before, "after the faults of {} {}", call.method, call.template);
    }
    assert!(tried >= calls.len() / 2, "{tried} faults of {} calls", calls.len());
}

#[tokio::test]
async fn a_missing_malformed_unknown_or_foreign_credential_is_refused_by_every_call() {
    try_all(faults_of_credentials).await;
}

#[tokio::test]
async fn an_id_that_names_nothing_is_not_found_by_every_call() {
    try_all(faults_of_ids).await;
}

#[tokio::test]
async fn a_query_that_is_not_as_described_is_refused_by_every_call() {
    try_all(faults_of_queries).await;
}

#[tokio::test]
async fn a_body_that_is_not_as_described_is_refused_by_every_call() {
    try_all(faults_of_bodies).await;
}

#[tokio::test]
async fn a_value_beyond_its_bounds_is_refused_by_every_call() {
    try_all(faults_of_values).await;
}

#[tokio::test]
async fn a_body_of_another_type_or_too_long_is_refused_by_every_call() {
    try_all(faults_of_sending).await;
}

#[tokio::test]
async fn a_body_of_just_64_kib_and_a_type_with_parameters_are_taken() {
    let world = World::new().await;
    let mut body = json!({"name": "New"}).to_string();
    body += &" ".repeat(BODY_BYTES_MAX - body.len());
    let request =
        world.api().request("POST", "/v1/agents").header("authorization", format!("bearer  {ADMIN_TOKEN} "));
    let request =
        request.header("content-type", "Application/JSON; charset=utf-8").body(Body::from(body)).unwrap();
    world.api().send(request).await.expect_status(201);
}

#[tokio::test]
async fn a_method_that_a_path_does_not_take_is_refused_and_the_others_are_named() {
    let (calls, world) = (calls(), World::new().await);
    let before = world.everything(&calls).await;
    for call in &calls {
        let of_path = calls.iter().filter(|other| other.template == call.template);
        let mut allowed: Vec<_> = of_path.map(|other| other.method.as_str()).collect();
        allowed.sort_unstable();
        let path = world.path(&call.template, None);
        for method in METHODS.into_iter().filter(|method| !allowed.contains(method)).chain(["TRACE", "BREW"])
        {
            let request =
                world.api().request(method, &path).header("authorization", format!("Bearer {ADMIN_TOKEN}"));
            let reply = world.api().send(request.body(Body::empty()).unwrap()).await;
            let reply = refused(call, method, reply, 405, "METHOD_NOT_ALLOWED");
            let mut named: Vec<_> =
                reply.headers["allow"].to_str().unwrap().split(',').map(str::trim).collect();
            // Whoever answers GET answers HEAD.
            named.retain(|method| *method != "HEAD");
            named.sort_unstable();
            assert_eq!(named, allowed, "{path}");
        }
    }
    assert_eq!(world.everything(&calls).await, before);
}
