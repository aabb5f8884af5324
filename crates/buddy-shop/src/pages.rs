//! What the shop's visitors see: a page that knows whether somebody is signed in, and says nothing of who.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::FormRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::from_fn;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Router};
use buddy_verify::{BODY_BYTES_MAX, Request};
use serde::Deserialize;

use crate::cookies::{Cookies, value_in};
use crate::endpoint::Accounts;
use crate::guard::own_pages_only;
use crate::serve::response;
use crate::users::{Shopper, Visitor};
use crate::{Claimed, Event, Tell};

/// Where the page has its session bound.
pub const SESSION_PATH: &str = "/buddy/session";

const PAGE: &str = include_str!("pages/shop.html");
const SIGN_IN: &str = include_str!("pages/sign-in.html");
const STYLE: &str = include_str!("pages/shop.css");
const PICTURES: [(&str, &str); 4] = [
    ("/shop/leaf.svg", include_str!("pages/leaf.svg")),
    ("/shop/monstera.svg", include_str!("pages/monstera.svg")),
    ("/shop/cactus.svg", include_str!("pages/cactus.svg")),
    ("/shop/can.svg", include_str!("pages/can.svg")),
];

const SIGNED_IN: &str = r#"<span class="who">Signed in</span>
      <form method="post" action="/sign-out"><button class="plain">Sign out</button></form>"#;
const GUEST: &str = r#"<a class="plain" href="/sign-in">Sign in</a>"#;

/// The chat that a page embeds.
#[derive(Clone, Debug)]
pub struct Chat {
    /// Buddy's own address as the browser knows it: scheme, host and port.
    pub base: String,
    /// Which agent answers.
    pub agent_id: String,
}

/// The shop's pages.
#[derive(Clone)]
pub struct Front {
    chat: Chat,
    accounts: Arc<Accounts>,
    cookies: Arc<Cookies>,
    tell: Tell,
}

impl Front {
    pub(crate) fn new(chat: Chat, accounts: Arc<Accounts>, cookies: Arc<Cookies>, tell: Tell) -> Self {
        Self { chat, accounts, cookies, tell }
    }

    /// All of them, to be served over HTTP.
    pub fn router(&self) -> Router {
        let changing = Router::new()
            .route("/sign-in", post(sign_in))
            .route("/sign-out", post(sign_out))
            .layer(from_fn(own_pages_only))
            .route("/sign-in", get(sign_in_page));
        let mut router = Router::new()
            .route("/", get(page))
            .route("/shop/shop.css", get(([(CONTENT_TYPE, "text/css")], STYLE)))
            .route(SESSION_PATH, post(session))
            .merge(changing)
            .with_state(self.clone())
            // One more than the rules read: they know by it that a body is too large.
            .layer(DefaultBodyLimit::max(BODY_BYTES_MAX + 1));
        for (path, picture) in PICTURES {
            router = router.route(path, get(([(CONTENT_TYPE, "image/svg+xml")], picture)));
        }
        router
    }

    /// Whom the request's cookie stands for. `None`: it is none of ours, or there is none.
    pub fn whose(&self, headers: &HeaderMap) -> Option<Visitor> {
        self.cookies.whose(headers)
    }

    /// A new cookie for this visitor, as `Set-Cookie` has it.
    pub fn sign_in(&self, headers: &HeaderMap, visitor: Visitor) -> String {
        self.cookies.renew(headers, visitor)
    }

    /// Strict: of other sites the page loads the chat, and nothing else.
    fn policy(&self) -> String {
        let base = &self.chat.base;
        format!(
            "default-src 'none'; script-src {base}; frame-src {base}; connect-src 'self'; style-src 'self'; img-src 'self'; \
             base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
        )
    }

    fn html(&self, page: String) -> Response {
        let policy = self.policy();
        let headers = [
            (CONTENT_SECURITY_POLICY, policy.as_str()),
            (CACHE_CONTROL, "no-store"),
            (REFERRER_POLICY, "same-origin"),
        ];
        (headers, Html(page)).into_response()
    }
}

async fn page(State(front): State<Front>, headers: HeaderMap) -> Response {
    let Chat { base, agent_id } = &front.chat;
    let account = if front.cookies.signed_in(&headers).is_some() { SIGNED_IN } else { GUEST };
    let embed = format!(
        "<script src=\"{base}/embed.js\" data-agent=\"{agent_id}\"\n          \
         data-session-url=\"{SESSION_PATH}\" data-title=\"Fern &amp; Field\" data-accent=\"#2f6b4f\" async></script>"
    );
    front.html(PAGE.replace("<!-- account -->", account).replace("<!-- chat -->", &embed))
}

async fn sign_in_page(State(front): State<Front>) -> Response {
    front.html(SIGN_IN.to_owned())
}

/// The fields of the form. A real shop asks for a password too.
#[derive(Deserialize)]
struct Fields {
    user: String,
}

async fn sign_in(
    State(front): State<Front>,
    headers: HeaderMap,
    fields: Result<Form<Fields>, FormRejection>,
) -> Result<Response, StatusCode> {
    let Form(Fields { user }) = fields.map_err(|_| StatusCode::BAD_REQUEST)?;
    let shopper = Shopper::named(&user).ok_or(StatusCode::BAD_REQUEST)?;
    let cookie = front.cookies.renew(&headers, Visitor::SignedIn(shopper));
    Ok(([(SET_COOKIE, cookie)], Redirect::to("/")).into_response())
}

async fn sign_out(State(front): State<Front>, headers: HeaderMap) -> Response {
    let cookie = front.cookies.renew(&headers, Visitor::Guest);
    ([(SET_COOKIE, cookie)], Redirect::to("/")).into_response()
}

/// The session endpoint: the body says which session, the cookie says whose.
async fn session(State(front): State<Front>, headers: HeaderMap, body: Bytes) -> Response {
    let lines = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let request = Request { method: "POST", headers: lines.collect(), body: &body };
    let (outcome, answer) = front.accounts.session(&request, front.cookies.signed_in(&headers));
    (front.tell)(Event::Claimed(Claimed {
        body: String::from_utf8_lossy(&body).into_owned(),
        with_cookie: value_in(&headers).is_some(),
        outcome,
    }));
    response(answer)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use axum::body::Body;
    use axum::http::{Request, header};
    use buddy_verify::Refusal;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;
    use crate::endpoint::Outcome;

    const SESSION: &str = "sess_01hz2v6yqefws8h3k5n7p9r1tv";
    const AGENT: &str = "agt_01hz2v6yqdfqr9c2d4e6f8g0hj";

    /// A shop, and what it has told.
    fn shop() -> (Front, Arc<Mutex<Vec<Event>>>) {
        let told = Arc::new(Mutex::new(Vec::new()));
        let tell = told.clone();
        let chat = Chat { base: "http://127.0.0.1:8700".into(), agent_id: AGENT.into() };
        let accounts = Arc::new(Accounts::new("0123456789abcdef").unwrap());
        let tell = Arc::new(move |event| tell.lock().unwrap().push(event));
        (Front::new(chat, accounts, Arc::default(), tell), told)
    }

    /// A request of the shop's own page, but for these headers.
    fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Request<Body> {
        let mut request =
            Request::builder().method(method).uri(path).body(Body::from(body.to_owned())).unwrap();
        for (name, value) in
            [("host", "localhost:8710"), ("sec-fetch-site", "same-origin")].iter().chain(headers)
        {
            let name: header::HeaderName = name.parse().unwrap();
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        request
    }

    fn sign_in_as(user: &str, headers: &[(&str, &str)]) -> Request<Body> {
        let form = [("content-type", "application/x-www-form-urlencoded")];
        request("POST", "/sign-in", &[&form, headers].concat(), &format!("user={user}"))
    }

    fn claim(headers: &[(&str, &str)]) -> Request<Body> {
        let body = format!("{{\"sessionId\":\"{SESSION}\",\"agentId\":\"{AGENT}\"}}");
        request("POST", SESSION_PATH, &[&[("content-type", "application/json")], headers].concat(), &body)
    }

    async fn ask(front: &Front, request: Request<Body>) -> (u16, HeaderMap, String) {
        let answer = front.router().oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (parts.status.as_u16(), parts.headers, String::from_utf8(body.to_vec()).unwrap())
    }

    /// The cookie as the browser sends it back.
    async fn cookie_of(front: &Front, user: &str) -> String {
        let (status, headers, _) = ask(front, sign_in_as(user, &[])).await;
        assert_eq!((status, &headers["location"]), (303, &"/".parse().unwrap()));
        headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned()
    }

    #[tokio::test]
    async fn the_page_says_that_somebody_is_signed_in_and_not_who() {
        let (front, _) = shop();
        let cookie = cookie_of(&front, "ada").await;
        let (_, headers, page) = ask(&front, request("GET", "/", &[("cookie", &cookie)], "")).await;
        assert!(
            page.contains(">Signed in<") && page.contains("data-session-url=\"/buddy/session\""),
            "{page}"
        );
        let (_, _, guests) = ask(&front, request("GET", "/", &[], "")).await;
        assert!(guests.contains(">Sign in<") && !guests.contains("Signed in"), "{guests}");
        for shopper in Shopper::ALL {
            for trace in shopper.traces() {
                assert!(!words(&page).any(|word| word == trace), "{trace}: {page}");
            }
        }
        let policy = headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src http://127.0.0.1:8700; "), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
    }

    /// In small letters; what is in an address of e-mail is part of its word.
    fn words(page: &str) -> impl Iterator<Item = String> {
        page.split(|sign: char| !sign.is_alphanumeric() && sign != '@' && sign != '.').map(str::to_lowercase)
    }

    #[tokio::test]
    async fn a_session_is_bound_to_whom_the_cookie_signs_in() {
        let (front, told) = shop();
        assert_eq!(ask(&front, claim(&[])).await.0, 204);
        let cookie = cookie_of(&front, "ada").await;
        let (status, _, body) = ask(&front, claim(&[("cookie", &cookie)])).await;
        let ticket = buddy_verify::ticket("0123456789abcdef", SESSION).unwrap();
        assert_eq!((status, body), (200, format!("{{\"ticket\":\"{ticket}\"}}")));
        let graces = cookie_of(&front, "grace").await;
        assert_eq!(ask(&front, claim(&[("cookie", &graces)])).await.0, 409);
        let signed_out = ask(&front, request("POST", "/sign-out", &[("cookie", &cookie)], "")).await;
        assert_eq!(signed_out.0, 303);
        assert_eq!(ask(&front, claim(&[("cookie", &cookie)])).await.0, 204, "the old cookie is worthless");

        let told = told.lock().unwrap();
        let outcomes = told.iter().map(|event| match event {
            Event::Claimed(claimed) => (claimed.outcome, claimed.with_cookie),
            Event::Asked(visit) => panic!("{visit:?}"),
        });
        let expected = [
            (Outcome::Nobody, false),
            (Outcome::Bound(Shopper::Ada), true),
            (Outcome::Refused(Refusal::SessionTaken), true),
            (Outcome::Nobody, true),
        ];
        assert_eq!(outcomes.collect::<Vec<_>>(), expected);
    }

    #[tokio::test]
    async fn a_page_of_another_site_changes_nothing() {
        let (front, told) = shop();
        let cookie = cookie_of(&front, "ada").await;
        let lured =
            [("cookie", cookie.as_str()), ("sec-fetch-site", "cross-site"), ("origin", "http://127.0.0.1:1")];
        for refused in [claim(&lured), sign_in_as("grace", &lured), request("POST", "/sign-out", &lured, "")]
        {
            let line = format!("{} {}", refused.method(), refused.uri());
            let (status, headers, _) = ask(&front, refused).await;
            assert_eq!((status, headers.get(SET_COOKIE)), (403, None), "{line}");
        }
        let as_text = [("cookie", cookie.as_str()), ("content-type", "text/plain")];
        assert_eq!(ask(&front, claim(&as_text)).await.0, 415);
        let preflight = request("OPTIONS", SESSION_PATH, &lured, "");
        let (_, headers, _) = ask(&front, preflight).await;
        assert!(!headers.keys().any(|name| name.as_str().starts_with("access-control-")), "{headers:?}");
        assert_eq!(ask(&front, claim(&[("cookie", &cookie)])).await.0, 200, "still Ada's own");
        assert_eq!(told.lock().unwrap().len(), 3);
    }

    #[tokio::test]
    async fn nobody_unknown_signs_in() {
        let (front, _) = shop();
        for user in ["mallory", "", "ada&user=grace"] {
            let (status, headers, _) = ask(&front, sign_in_as(user, &[])).await;
            assert_eq!((status, headers.get(SET_COOKIE)), (400, None), "{user}");
        }
    }
}
