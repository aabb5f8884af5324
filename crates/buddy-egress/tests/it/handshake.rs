//! As far as the handshake: what is told of a certificate, good or not.

use buddy_core::reason::Reason;
use buddy_egress::{CertificateFault, Handshake, Trouble};
use buddy_shop::certificate::{Authority, Credentials};
use rcgen::{CertificateParams, date_time_ymd};
use tokio::time::Instant;

use crate::support::{
    AMPLE, SHORT, acceptor_for, egress, issue, plain_site, read_request, tls_site, until_closed,
};

async fn shake(url: &str) -> Handshake {
    let egress = egress();
    let target = egress.target(url).expect("a URL that may be called");
    egress.handshake(&target, Instant::now() + AMPLE).await
}

async fn shake_with(credentials: Credentials) -> Handshake {
    let site = tls_site(acceptor_for(credentials), |_, mut line| async move {
        assert_eq!(read_request(&mut line).await, None, "nothing is asked");
    })
    .await;
    shake(&site.https()).await
}

#[tokio::test]
async fn a_good_certificate_is_told_by_its_end() {
    let until_2099 = |params: &mut CertificateParams| params.not_after = date_time_ymd(2099, 1, 1);
    let Handshake { phases, result } = shake_with(issue("127.0.0.1", until_2099)).await;
    let valid_until = result.expect("a handshake").expect("a certificate");
    assert_eq!(valid_until.0, 4_070_908_800);
    assert!(phases.connect.is_some() && phases.tls.is_some() && phases.headers.is_none(), "{phases:?}");
}

#[tokio::test]
async fn each_fault_of_a_certificate_has_its_name() {
    let another = Authority::new().expect("an authority");
    let expired = |params: &mut CertificateParams| {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2020, 2, 1);
    };
    let early = |params: &mut CertificateParams| params.not_before = date_time_ymd(4000, 1, 1);
    for (credentials, expected) in [
        (issue("shop.example.com", |_| {}), CertificateFault::OtherHost),
        (issue("127.0.0.1", expired), CertificateFault::Expired(Some(1_580_515_200))),
        (issue("127.0.0.1", early), CertificateFault::NotYetValid),
        (another.issue("127.0.0.1", |_| {}).expect("a certificate"), CertificateFault::UnknownIssuer),
        (Credentials::self_signed("127.0.0.1").expect("a certificate"), CertificateFault::UnknownIssuer),
    ] {
        let trouble = shake_with(credentials).await.result.expect_err("not believed");
        assert_eq!(trouble, Trouble { reason: Reason::TlsFailed, certificate: Some(expected) });
    }
}

#[tokio::test]
async fn plain_http_has_no_certificate_and_silence_runs_out() {
    let site = plain_site(|_, line| async move { drop(line) }).await;
    let Handshake { phases, result } = shake(&site.http()).await;
    assert_eq!(result, Ok(None));
    assert_eq!(phases.tls, None);
    // The port speaks no TLS, and says nothing.
    let silent = plain_site(|_, mut line| async move {
        until_closed(&mut line).await;
    })
    .await;
    let egress = egress();
    let target = egress.target(&silent.https()).expect("a URL that may be called");
    let handshake = egress.handshake(&target, Instant::now() + SHORT).await;
    assert_eq!(handshake.result, Err(Trouble { reason: Reason::TimeoutTls, certificate: None }));
    assert!(handshake.phases.tls.is_some());
}
