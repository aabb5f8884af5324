//! A throw-away certificate authority, and a certificate for one name under it.

use std::error::Error;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{DEFAULT_VERSIONS, ServerConfig, SupportedProtocolVersion};

/// A certificate authority that nobody else believes.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    /// A new one.
    pub fn new() -> Result<Self, rcgen::Error> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Buddy demo authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        Ok(Self(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?))
    }

    /// Its own certificate, in PEM.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// The same in DER.
    pub fn der(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }

    /// TLS for a server of this name.
    pub fn server_config(&self, name: &str) -> Result<Arc<ServerConfig>, Box<dyn Error>> {
        Ok(self.issue(name, |_| {})?.server_config()?)
    }

    /// What a server of this name or address shows of itself; `change` has the last word on what it says.
    pub fn issue(
        &self,
        name: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Result<Credentials, rcgen::Error> {
        let (certificate, key) = self.certify(name, change)?;
        Ok(Credentials::of(&certificate, &key))
    }

    /// A certificate for this name and its key, in PEM: for a server in another language.
    pub fn pem_for(&self, name: &str) -> Result<(String, String), rcgen::Error> {
        let (certificate, key) = self.certify(name, |_| {})?;
        Ok((certificate.pem(), key.serialize_pem()))
    }

    fn certify(
        &self,
        name: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Result<(Certificate, KeyPair), rcgen::Error> {
        let mut params = CertificateParams::new(vec![name.to_owned()])?;
        change(&mut params);
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &*self.0)?;
        Ok((certificate, key))
    }
}

/// A server's certificates, its own first, and its key.
pub struct Credentials {
    /// The certificates.
    pub chain: Vec<CertificateDer<'static>>,
    /// The key of the first.
    pub key: PrivateKeyDer<'static>,
}

impl Credentials {
    /// Those that nobody but the server itself vouches for.
    pub fn self_signed(name: &str) -> Result<Self, rcgen::Error> {
        let key = KeyPair::generate()?;
        let certificate = CertificateParams::new(vec![name.to_owned()])?.self_signed(&key)?;
        Ok(Self::of(&certificate, &key))
    }

    fn of(certificate: &Certificate, key: &KeyPair) -> Self {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        Self { chain: vec![certificate.der().clone()], key }
    }

    /// TLS 1.2 and 1.3 with them.
    pub fn server_config(self) -> Result<Arc<ServerConfig>, rustls::Error> {
        self.server_config_for(DEFAULT_VERSIONS)
    }

    /// TLS of these versions with them.
    pub fn server_config_for(
        self,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Result<Arc<ServerConfig>, rustls::Error> {
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(versions)?
            .with_no_client_auth()
            .with_single_cert(self.chain, self.key)?;
        Ok(Arc::new(config))
    }
}
