//! Who is believed, and who is not.

use std::sync::Arc;

use buddy_core::reason::Reason;
use buddy_shop::certificate::{Authority, Credentials};
use rustls::crypto::aws_lc_rs;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, version};
use tokio_rustls::TlsAcceptor;

use crate::support::{
    AMPLE, OK, acceptor_for, answer_all, ask_once, assert_failed, assert_user, authority, issue, plain_site,
    raw_site, tls_site,
};

async fn outcome(tls: TlsAcceptor) -> Reason {
    let site = tls_site(tls, |_, line| answer_all(line, OK)).await;
    let exchange = ask_once(&site.https(), AMPLE).await;
    assert_eq!(exchange.status, None);
    assert!(exchange.phases.tls.is_some());
    exchange.result.expect_err("not believed")
}

#[tokio::test]
async fn a_certificate_that_is_wrong_in_any_way_fails_the_handshake() {
    let another = Authority::new().expect("an authority");
    let expired = |params: &mut rcgen::CertificateParams| {
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2020, 2, 1);
    };
    let early = |params: &mut rcgen::CertificateParams| params.not_before = rcgen::date_time_ymd(4000, 1, 1);
    for (what, certificate) in [
        ("for another name", issue("shop.example.com", |_| {})),
        ("for another address", issue("127.0.0.2", |_| {})),
        ("expired", issue("127.0.0.1", expired)),
        ("not valid yet", issue("127.0.0.1", early)),
        ("by an unknown authority", another.issue("127.0.0.1", |_| {}).expect("a certificate")),
    ] {
        assert_eq!(outcome(acceptor_for(certificate)).await, Reason::TlsFailed, "{what}");
    }
}

#[tokio::test]
async fn a_self_signed_certificate_fails_the_handshake() {
    let credentials = Credentials::self_signed("127.0.0.1").expect("a certificate");
    assert_eq!(outcome(acceptor_for(credentials)).await, Reason::TlsFailed);
}

#[tokio::test]
async fn a_chain_of_a_mebibyte_is_not_read_to_its_end() {
    let mut credentials = issue("127.0.0.1", |_| {});
    while credentials.chain.iter().map(|certificate| certificate.len()).sum::<usize>() < 1 << 20 {
        credentials.chain.extend_from_within(0..1);
    }
    assert_eq!(outcome(acceptor_for(credentials)).await, Reason::TlsFailed);
}

#[tokio::test]
async fn tls_1_2_is_spoken_too() {
    let config = issue("127.0.0.1", |_| {}).server_config_for(&[&version::TLS12]).expect("a certificate");
    let site = tls_site(TlsAcceptor::from(config), |_, line| answer_all(line, OK)).await;
    assert_user(&ask_once(&site.https(), AMPLE).await);
}

#[tokio::test]
async fn an_endpoint_that_speaks_only_http_2_is_not_spoken_to() {
    let config = issue("127.0.0.1", |_| {}).server_config().expect("a certificate");
    let mut config = Arc::unwrap_or_clone(config);
    config.alpn_protocols = vec![b"h2".to_vec()];
    assert_eq!(outcome(TlsAcceptor::from(Arc::new(config))).await, Reason::TlsFailed);
}

#[tokio::test]
async fn a_demanded_client_certificate_is_a_tls_failure_though_it_comes_after_the_handshake() {
    for versions in [[&version::TLS13], [&version::TLS12]] {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(authority().der()).expect("a root");
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()
            .expect("a verifier");
        let Credentials { chain, key } = issue("127.0.0.1", |_| {});
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&versions)
            .expect("a version")
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain, key)
            .expect("a certificate");
        let site = tls_site(TlsAcceptor::from(Arc::new(config)), |_, line| answer_all(line, OK)).await;
        assert_failed(&ask_once(&site.https(), AMPLE).await, Reason::TlsFailed, "no client certificate");
    }
}

#[tokio::test]
async fn what_does_not_speak_tls_is_a_tls_failure() {
    let plain = plain_site(|_, line| answer_all(line, OK)).await;
    let hanging_up = raw_site("127.0.0.1", |_, stream| async move { drop(stream) }).await;
    let https = format!("https://{}/", plain.address);
    // The plain endpoint reads the handshake as a request that never ends, and so does the client: a timeout.
    let exchange = ask_once(&https, crate::support::SHORT).await;
    assert_failed(&exchange, Reason::TimeoutTls, "an endpoint that waits for a request");
    let exchange = ask_once(&hanging_up.https(), AMPLE).await;
    assert_failed(&exchange, Reason::TlsFailed, "an endpoint that hangs up");
    let talking = plain_site(|_, mut line| async move {
        crate::support::write(&mut line, "HTTP/1.1 400 Bad Request\r\n\r\n").await;
        crate::support::until_closed(line).await;
    })
    .await;
    let exchange = ask_once(&talking.https(), AMPLE).await;
    assert_failed(&exchange, Reason::TlsFailed, "an endpoint that speaks HTTP");
}
