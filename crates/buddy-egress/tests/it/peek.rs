//! What an operator is shown of a host: nothing is asked of it that a browser would not ask.

use buddy_core::reason::Reason;
use buddy_egress::{Egress, Peek, Trouble};
use buddy_mock::dns::Says;
use http::HeaderValue;
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::support::{
    AMPLE, Line, SHORT, egress, good_tls, header, name_server, settings, tls_site, until_closed, write,
};

async fn peek(egress: &Egress, url: &str, within: std::time::Duration) -> Peek {
    let target = egress.target(url).expect("a URL that may be called");
    egress.peek(&target, HeaderValue::from_static("Looker/1"), Instant::now() + within).await
}

/// A request without a body.
async fn head(line: &mut Line) -> String {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(line.read_u8().await.expect("a whole head"));
    }
    String::from_utf8(request).expect("text")
}

#[tokio::test]
async fn a_head_is_asked_for_and_its_answer_told_without_a_body() {
    let (told, mut asked) = mpsc::unbounded_channel();
    let site = tls_site(good_tls(), move |_, mut line| {
        let told = told.clone();
        async move {
            told.send(head(&mut line).await).expect("the test waits");
            // A length, and no body: that is how HEAD is answered.
            write(&mut line, "HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\nDate: today\r\n\r\n").await;
            until_closed(&mut line).await;
        }
    })
    .await;
    let Peek { handshake, head } = peek(&egress(), &site.https(), AMPLE).await;
    assert!(handshake.result.expect("a handshake").is_some(), "the certificate's end");
    let head = head.expect("an answer");
    assert_eq!((head.status, &head.headers["date"]), (404, &HeaderValue::from_static("today")));
    let text = asked.recv().await.expect("what was asked");
    assert!(text.starts_with("HEAD /cb?x=1 HTTP/1.1\r\n") && text.ends_with("\r\n\r\n"), "{text}");
    assert_eq!(header(&text, "user-agent"), Some("Looker/1"));
    assert_eq!(header(&text, "host"), Some(&*site.address.to_string()));
    assert!(!text.to_lowercase().contains("signature"), "{text}");
}

#[tokio::test]
async fn silence_after_the_handshake_is_no_answer_and_ends_in_time() {
    let site = tls_site(good_tls(), |_, mut line| async move { until_closed(&mut line).await }).await;
    let Peek { handshake, head } = peek(&egress(), &site.https(), SHORT).await;
    assert!(handshake.result.is_ok() && head.is_none());
}

#[tokio::test]
async fn every_address_of_a_host_is_told_with_those_that_are_refused() {
    let server = name_server(|name, _, _| match name {
        "none.example.com." => Says::NoSuchName,
        _ => Says::Addresses(vec!["8.8.8.8", "10.0.0.5"]),
    })
    .await;
    let mut settings = settings();
    settings.allow = Vec::new();
    settings.name_servers = Some(vec![server.address()]);
    let egress = Egress::new(settings).expect("good settings");
    let addresses = async |url: &str| {
        let target = egress.target(url).expect("a URL that may be called");
        egress.addresses(&target, Instant::now() + AMPLE).await
    };
    let found = addresses("https://shop.example.com/").await;
    assert!(found.dns.is_some());
    assert_eq!(
        found.result,
        Ok(vec![
            ("8.8.8.8".parse().unwrap(), None),
            ("10.0.0.5".parse().unwrap(), Some(Reason::AddressBlocked))
        ])
    );
    assert_eq!(addresses("https://none.example.com/").await.result, Err(Reason::DnsFailed));
    let literal = addresses("https://8.8.8.8/").await;
    assert_eq!((literal.dns, literal.result), (None, Ok(vec![("8.8.8.8".parse().unwrap(), None)])));
    let refused = peek(&egress, "https://shop.example.com/", AMPLE).await;
    let blocked = Trouble { reason: Reason::AddressBlocked, certificate: None };
    assert_eq!(refused.handshake.result, Err(blocked), "and nobody was dialled");
}
