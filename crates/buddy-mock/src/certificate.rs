//! What an endpoint shows of itself in the handshake.

use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use buddy_shop::certificate::{Authority, Credentials};
use rcgen::{CertificateParams, CrlDistributionPoint, CustomExtension, date_time_ymd};
use rustls::crypto::aws_lc_rs;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, version};

/// How the handshake goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Certificate {
    Good,
    WrongName,
    Expired,
    Early,
    SelfSigned,
    /// Of an authority that nobody knows.
    Foreign,
    /// A chain that never ends, as far as the reader's patience goes.
    Huge,
    /// With addresses to fetch things from.
    Linking,
    WantsClients,
    Http2Only,
    Tls12,
}

/// What the handshake of that endpoint is made of.
pub(crate) fn tls(
    certificate: Certificate,
    authority: &Authority,
    ip: IpAddr,
    trap: SocketAddr,
) -> Result<Arc<ServerConfig>, Box<dyn Error>> {
    let name = ip.to_string();
    let good = |change: fn(&mut CertificateParams)| authority.issue(&name, change);
    let credentials = match certificate {
        Certificate::WrongName => authority.issue("shop.example", |_| {})?,
        Certificate::Expired => good(|params| {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2020, 2, 1);
        })?,
        Certificate::Early => good(|params| params.not_before = date_time_ymd(4000, 1, 1))?,
        Certificate::SelfSigned => Credentials::self_signed(&name)?,
        Certificate::Foreign => Authority::new()?.issue(&name, |_| {})?,
        Certificate::Huge => flood(good(|_| {})?),
        Certificate::Linking => authority.issue(&name, |params| link(params, trap))?,
        _ => good(|_| {})?,
    };
    match certificate {
        Certificate::WantsClients => wanting_clients(credentials, authority),
        Certificate::Tls12 => Ok(credentials.server_config_for(&[&version::TLS12])?),
        Certificate::Http2Only => {
            let mut config = Arc::unwrap_or_clone(credentials.server_config()?);
            config.alpn_protocols = vec![b"h2".to_vec()];
            Ok(Arc::new(config))
        }
        _ => Ok(credentials.server_config()?),
    }
}

/// More than five times what Buddy reads for one exchange.
const CHAIN_BYTES: usize = 1 << 20;

fn flood(mut credentials: Credentials) -> Credentials {
    let each = credentials.chain[0].len();
    credentials.chain = vec![credentials.chain[0].clone(); CHAIN_BYTES.div_ceil(each)];
    credentials
}

/// Authority information access (RFC 5280, section 4.2.2.1).
const INFORMATION_ACCESS: &[u64] = &[1, 3, 6, 1, 5, 5, 7, 1, 1];
/// An OCSP responder, 1.3.6.1.5.5.7.48.1, in DER.
const OCSP: &[u8] = b"\x06\x08\x2b\x06\x01\x05\x05\x07\x30\x01";
/// The issuer's certificate, 1.3.6.1.5.5.7.48.2, in DER.
const ISSUER: &[u8] = b"\x06\x08\x2b\x06\x01\x05\x05\x07\x30\x02";

fn link(params: &mut CertificateParams, trap: SocketAddr) {
    let url = format!("http://{trap}/");
    let access: Vec<u8> = [OCSP, ISSUER]
        .iter()
        .flat_map(|method| der(0x30, &[method, &*der(0x86, url.as_bytes())].concat()))
        .collect();
    let access = CustomExtension::from_oid_content(INFORMATION_ACCESS, der(0x30, &access));
    params.custom_extensions.push(access);
    params.crl_distribution_points.push(CrlDistributionPoint { uris: vec![url] });
}

/// A DER value of fewer than 128 bytes.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).ok().filter(|length| *length < 0x80);
    let length = length.expect("two addresses and ports take fewer than 128 bytes");
    [&[tag, length], content].concat()
}

fn wanting_clients(
    credentials: Credentials,
    authority: &Authority,
) -> Result<Arc<ServerConfig>, Box<dyn Error>> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(authority.der())?;
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build()?;
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(verifier)
        .with_single_cert(credentials.chain, credentials.key)?;
    Ok(Arc::new(config))
}
