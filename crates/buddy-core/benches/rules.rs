//! What the rules cost that every session passes through: ids, tokens, the signature, the answer and its shape.

use buddy_core::callback::answer::{Answer, Verdict, judge};
use buddy_core::callback::shape::Shape;
use buddy_core::callback::{request, signature};
use buddy_core::id::{AgentId, SessionId, new_id};
use buddy_core::limits::ANSWER_BYTES_MAX;
use buddy_core::secret::{CallbackSecret, Token, TokenHash, TokenKind};
use buddy_core::time::UnixMillis;
use divan::counter::BytesCount;
use divan::{AllocProfiler, Bencher, black_box};

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

/// Any moment of these centuries does: its digits are as many.
const NOW: UnixMillis = UnixMillis(1_717_000_000_000);
/// Bits of both kinds, so that no step is spared.
const RANDOM: u8 = 0xa5;

/// What an honest shop answers.
const SMALL: &str = r#"{"userId":"usr_48213","email":"ada@example.com","role":"customer","customAttributes":{"plan":"pro","cartItems":3,"loyalty":{"tier":"gold","points":1840}}}"#;
/// The largest answer is made of these: values of every kind, and two levels of them.
const ATTRIBUTE: &str = r#"{"total":19.90,"paid":true,"coupon":null,"status":"shipped","items":[3,14,159]}"#;

fn main() {
    divan::main();
}

#[divan::bench]
fn make_id() -> SessionId {
    new_id(black_box(NOW), black_box([RANDOM; 10]))
}

#[divan::bench]
fn write_id(bencher: Bencher<'_, '_>) {
    let id = session_id();
    bencher.bench(|| black_box(id).to_string());
}

#[divan::bench]
fn parse_id(bencher: Bencher<'_, '_>) {
    let text = session_id().to_string();
    bencher.bench(|| black_box(&text).parse::<SessionId>().expect("as it was written"));
}

#[divan::bench]
fn make_session_token() -> Token {
    Token::generate(TokenKind::Session, black_box([RANDOM; 32]))
}

/// What is kept of a new token, and by what every request with one is looked up.
#[divan::bench]
fn hash_session_token(bencher: Bencher<'_, '_>) {
    let token = Token::generate(TokenKind::Session, [RANDOM; 32]);
    bencher.bench(|| TokenHash::of(black_box(token.expose())));
}

#[divan::bench]
fn write_callback(bencher: Bencher<'_, '_>) {
    let (session_id, agent_id) = (session_id(), agent_id());
    bencher.bench(|| request::body(black_box(session_id), black_box(agent_id), black_box(NOW)));
}

#[divan::bench]
fn sign_callback(bencher: Bencher<'_, '_>) {
    let secret = CallbackSecret::generate([RANDOM; 32]);
    let body = request::body(session_id(), agent_id(), NOW);
    bencher.bench(|| signature::sign(black_box(&secret), black_box(body.as_bytes())));
}

#[divan::bench(args = [Size::Small, Size::Largest])]
fn judge_answer(bencher: Bencher<'_, '_>, size: Size) {
    let body = size.body();
    let judged = judge(&answer(&body));
    assert!(
        matches!(&judged, Verdict::Authenticated { identity, warnings }
            if identity.custom_attributes().is_some() && warnings.is_empty()),
        "all of it is understood: {judged:?}"
    );
    bencher.counter(BytesCount::of_str(&body)).bench(|| judge(black_box(&answer(&body))));
}

#[divan::bench(args = [Size::Small, Size::Largest])]
fn tell_shape_of_answer(bencher: Bencher<'_, '_>, size: Size) {
    let body = size.body();
    let shape = Shape::of(&answer(&body));
    assert!(
        matches!(&shape, Some(Shape::Object { members, others: 0 }) if members.len() > 1),
        "all of it is looked at: {shape:?}"
    );
    bencher.counter(BytesCount::of_str(&body)).bench(|| Shape::of(black_box(&answer(&body))));
}

/// How much an endpoint answers.
#[derive(Clone, Copy, Debug)]
enum Size {
    Small,
    Largest,
}

impl Size {
    fn body(self) -> String {
        match self {
            Self::Small => SMALL.to_owned(),
            Self::Largest => largest(),
        }
    }
}

/// As many bytes as an answer may have: as many attributes as fit, and white space.
fn largest() -> String {
    let (head, end) = (r#"{"userId":"usr_48213","customAttributes":{"#, "}}");
    let attribute = |number| format!(r#""{number:04}":{ATTRIBUTE}"#);
    let room = ANSWER_BYTES_MAX - head.len() - end.len();
    let count = room / (attribute(0).len() + ",".len());
    let attributes: Vec<_> = (0..count).map(attribute).collect();
    let mut body = format!("{head}{}{end}", attributes.join(","));
    body.push_str(&" ".repeat(ANSWER_BYTES_MAX - body.len()));
    body
}

fn answer(body: &str) -> Answer<'_> {
    Answer { status: 200, content_encoding: None, body: body.as_bytes() }
}

fn session_id() -> SessionId {
    new_id(NOW, [RANDOM; 10])
}

fn agent_id() -> AgentId {
    new_id(NOW, [RANDOM; 10])
}
