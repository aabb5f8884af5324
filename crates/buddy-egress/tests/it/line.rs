//! A line: guarded and secured as any, and without an end to what comes over it.

use buddy_core::reason::Reason;
use buddy_egress::limits::WIRE_BYTES_MAX;
use buddy_egress::{CertificateFault, Egress, EgressSettings, Trouble};
use buddy_shop::certificate::Credentials;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use crate::support::{AMPLE, acceptor_for, egress, issue, plain_site, tls_site};

/// More than any exchange may read.
const MUCH: usize = 3 * WIRE_BYTES_MAX;

#[tokio::test]
async fn more_comes_over_a_line_than_any_exchange_may_read() {
    let site = tls_site(acceptor_for(issue("127.0.0.1", |_| {})), |_, mut line| async move {
        let mut asked = [0; 5];
        line.read_exact(&mut asked).await.unwrap();
        assert_eq!(&asked, b"hello");
        line.write_all(&vec![b'x'; MUCH]).await.unwrap();
        line.shutdown().await.unwrap();
    })
    .await;
    let egress = egress();
    let target = egress.target(&site.https()).unwrap();
    let mut line = egress.line(&target, Instant::now() + AMPLE).await.expect("a line");
    line.write_all(b"hello").await.unwrap();
    line.flush().await.unwrap();
    let mut come = Vec::new();
    line.read_to_end(&mut come).await.unwrap();
    assert_eq!(come.len(), MUCH);
}

#[tokio::test]
async fn a_line_is_guarded_and_secured_as_any_other() {
    let site = plain_site(|_, line| async move { drop(line) }).await;
    let closed = Egress::new(EgressSettings::default()).unwrap();
    assert_eq!(closed.target(&site.https()).unwrap_err(), Reason::AddressBlocked);

    let site = tls_site(acceptor_for(Credentials::self_signed("127.0.0.1").unwrap()), |_, line| async move {
        drop(line);
    })
    .await;
    let egress = egress();
    let target = egress.target(&site.https()).unwrap();
    let refused = egress.line(&target, Instant::now() + AMPLE).await.err().expect("not believed");
    let unknown = Some(CertificateFault::UnknownIssuer);
    assert_eq!(refused, Trouble { reason: Reason::TlsFailed, certificate: unknown });
}
