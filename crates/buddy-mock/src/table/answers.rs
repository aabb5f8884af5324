//! Whole answers that say nothing of use.

use crate::behaviour::Expect::{BadResponse, Failed};
use crate::behaviour::Step::{Bytes, Drip, Forever, Repeat, Say};
use crate::behaviour::{Act, Behaviour};

/// 200 with a body that is no identity.
const fn body(name: &'static str, does: &'static str, reason: &'static str, body: &'static str) -> Behaviour {
    Behaviour::new(
        name,
        does,
        BadResponse(reason),
        Act::Whole("200 OK\r\nContent-Type: application/json", body),
    )
}

/// A status, perhaps with headers, whose body does not count.
const fn status(
    name: &'static str,
    does: &'static str,
    reason: &'static str,
    head: &'static str,
) -> Behaviour {
    Behaviour::new(name, does, Failed(reason), Act::Whole(head, "{\"userId\":\"nobody\"}"))
}

/// A deflated run of zeros: 258 of them in each 13 bits, so that these 13 bytes are 2,064.
const INFLATING: &[u8] = b"\x18\x05\xa3\x60\x14\x8c\x82\x51\x30\x0a\x46\xc1\x28";

pub(super) const ANSWERS: &[Behaviour] = &[
    body("empty", "Answers 200 with nothing.", "empty_body", ""),
    body(
        "html",
        "Answers an HTML page, as a login page or a proxy would.",
        "html",
        "<!doctype html><title>Log in</title>",
    ),
    body("not-json", "Answers a line of text.", "not_json", "user 42\n"),
    body("half-json", "Answers JSON that breaks off.", "not_json", "{\"userId\":\"42\",\"em"),
    body(
        "two-objects",
        "Answers one JSON object after another.",
        "not_json",
        "{\"userId\":\"1\"}{\"userId\":\"2\"}",
    ),
    body("not-an-object", "Answers a JSON array.", "not_an_object", "[{\"userId\":\"42\"}]"),
    body("no-user-id", "Answers an object without a userId.", "no_user_id", "{\"user_id\":\"42\"}"),
    body("null-user-id", "Answers null as the userId.", "no_user_id", "{\"userId\":null}"),
    body("blank-user-id", "Answers a userId of spaces.", "invalid_user_id", "{\"userId\":\"  \"}"),
    body("fraction-user-id", "Answers a userId that is no integer.", "invalid_user_id", "{\"userId\":1.5}"),
    body("object-user-id", "Answers an object as the userId.", "invalid_user_id", "{\"userId\":{\"id\":42}}"),
    body(
        "control-user-id",
        "Answers a userId with a line break in it.",
        "invalid_user_id",
        "{\"userId\":\"4\\n2\"}",
    ),
    body(
        "duplicate-member",
        "Answers the userId twice.",
        "duplicate_member",
        "{\"userId\":\"1\",\"userId\":\"2\"}",
    ),
    Behaviour::http(
        "long-user-id",
        "Answers a userId of 257 characters.",
        BadResponse("invalid_user_id"),
        &[Say("HTTP/1.1 200 OK\r\nContent-Length: 270\r\n\r\n{\"userId\":\""), Repeat(b"x", 257), Say("\"}")],
    ),
    Behaviour::http(
        "invalid-utf-8",
        "Answers JSON that is not UTF-8.",
        BadResponse("not_json"),
        &[Say("HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n"), Bytes(b"{\"userId\":\"\xe9\"}")],
    ),
    Behaviour::new(
        "too-deep",
        "Nests its answer 33 levels deep.",
        BadResponse("too_deep"),
        Act::Whole(
            "200 OK",
            "{\"userId\":\"42\",\"customAttributes\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}",
        ),
    ),
    Behaviour::http(
        "gzip",
        "Compresses its answer though nobody asked for it.",
        BadResponse("content_encoding"),
        &[
            Say("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 11\r\n\r\n"),
            Bytes(b"\x1f\x8b\x08\0\0\0\0\0\0\xff\x63"),
        ],
    ),
    Behaviour::http(
        "gzip-bomb",
        "Compresses 10 MB into 64 KiB.",
        BadResponse("content_encoding"),
        &[
            Say("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 65011\r\n\r\n"),
            Bytes(b"\x1f\x8b\x08\0\0\0\0\0\0\xff\x63"),
            Repeat(INFLATING, 5_000),
        ],
    ),
    status("status-400", "Answers 400.", "http_status", "400 Bad Request"),
    status("status-401", "Answers 401, as where the secrets differ.", "http_status", "401 Unauthorized"),
    status("status-403", "Answers 403, as a firewall would.", "http_status", "403 Forbidden"),
    status("status-404", "Answers 404, as for a wrong path.", "http_status", "404 Not Found"),
    status(
        "status-429",
        "Answers 429 and when to come again.",
        "http_status",
        "429 Too Many Requests\r\nRetry-After: 1",
    ),
    status("status-500", "Answers 500.", "http_status", "500 Internal Server Error"),
    status("status-503", "Answers 503, as a load balancer would.", "http_status", "503 Service Unavailable"),
    status(
        "redirect-to-loopback",
        "Redirects the POST to an address on its own machine.",
        "redirect",
        "307 Temporary Redirect\r\nLocation: https://{trap}/",
    ),
    status(
        "redirect-to-plain-http",
        "Redirects to plain HTTP.",
        "redirect",
        "308 Permanent Redirect\r\nLocation: http://{trap}/",
    ),
    status(
        "redirect-to-metadata",
        "Redirects to a cloud's metadata address.",
        "redirect",
        "302 Found\r\nLocation: http://169.254.169.254/latest/meta-data/",
    ),
    status(
        "redirect-to-login",
        "Redirects to a login page of its own.",
        "redirect",
        "303 See Other\r\nLocation: /login",
    ),
    Behaviour::http(
        "not-modified",
        "Answers 304.",
        Failed("redirect"),
        &[Say("HTTP/1.1 304 Not Modified\r\n\r\n")],
    ),
    Behaviour::http(
        "endless-error-page",
        "Answers 502 with a page that never ends.",
        Failed("http_status"),
        &[Say("HTTP/1.1 502 Bad Gateway\r\n\r\n"), Forever("<p>Bad gateway</p>\n")],
    ),
    Behaviour::http(
        "drip-error-page",
        "Answers 500 with a page that comes a byte at a time.",
        Failed("http_status"),
        &[Say("HTTP/1.1 500 Internal Server Error\r\n\r\n"), Drip(".")],
    ),
];
