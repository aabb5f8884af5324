//! Who is believed to be whom: TLS 1.2 and later, the machine's roots and the operator's own.

use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

use crate::EgressError;

/// Verification is always on: nothing here can switch it off, and the verifier fetches nothing by itself.
pub(crate) fn connector(extra_roots_pem: Option<&[u8]>) -> Result<TlsConnector, EgressError> {
    let mut roots = system_roots();
    if let Some(pem) = extra_roots_pem {
        add_roots(&mut roots, pem)?;
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider has suites for TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

/// The machine's roots, which its administrator keeps; a machine without any gets Mozilla's.
fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    roots
}

fn add_roots(roots: &mut RootCertStore, pem: &[u8]) -> Result<(), EgressError> {
    let before = roots.len();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| EgressError::RootsUnreadable(error.to_string()))?;
        roots.add(certificate).map_err(|error| EgressError::RootsUnreadable(error.to_string()))?;
    }
    if roots.len() == before { Err(EgressError::RootsEmpty) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_roots_that_is_none_is_named() {
        let fault = |pem: &str| connector(Some(pem.as_bytes())).err().map(|error| error.to_string());
        let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        let garbage = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for pem in ["", "no PEM at all", key, garbage, "-----BEGIN CERTIFICATE-----\n%%%\n"] {
            let fault = fault(pem).unwrap_or_default();
            assert!(fault.starts_with("--egress-ca (BUDDY_EGRESS_CA) holds"), "{pem:?}: {fault:?}");
        }
    }

    #[test]
    fn only_http_1_1_is_offered_and_some_roots_are_always_there() {
        assert!(!system_roots().is_empty());
        assert_eq!(connector(None).unwrap().config().alpn_protocols, [b"http/1.1".to_vec()]);
    }
}
