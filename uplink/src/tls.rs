//! TLS 1.3 to the centre: known by the digest of its CA, whatever address it has.

use std::sync::Arc;

use lapwing_wire::ALPN;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use sha2::{Digest, Sha256};

use crate::device_key::DeviceKey;
use crate::error::UplinkError;
use crate::identity::Identity;
use crate::time_floor::TimeFloor;

/// How the keys of a connection are agreed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum KeyExchange {
    /// X25519 with ML-KEM-768: what is recorded today stays secret from the machines of tomorrow, for
    /// 2.3 kB more a connection.
    #[default]
    Hybrid,
    /// X25519 alone.
    X25519,
}

impl KeyExchange {
    fn provider(self) -> CryptoProvider {
        use aws_lc_rs::kx_group::{X25519, X25519MLKEM768};
        CryptoProvider {
            kx_groups: match self {
                Self::Hybrid => vec![X25519MLKEM768, X25519],
                Self::X25519 => vec![X25519],
            },
            ..aws_lc_rs::default_provider()
        }
    }
}

/// For a device that has a voucher and no certificate. With the eight words alone it cannot know the
/// authority; the proofs of both sides show then that it was the right one.
pub(crate) fn stranger(
    ca_digest: Option<[u8; 32]>,
    time: &TimeFloor,
) -> Result<Arc<ClientConfig>, UplinkError> {
    let provider = Arc::new(KeyExchange::Hybrid.provider());
    let mut config =
        ClientConfig::builder_with_details(Arc::clone(&provider), Arc::new(time.clone()))
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(PinnedAuthority {
                ca_digest,
                provider,
            }))
            .with_no_client_auth();
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(Arc::new(config))
}

/// For an enrolled sensor.
pub(crate) fn sensor(
    identity: &Identity,
    key: &DeviceKey,
    time: &TimeFloor,
    key_exchange: KeyExchange,
) -> Result<Arc<ClientConfig>, UplinkError> {
    let provider = Arc::new(key_exchange.provider());
    let verifier = Arc::new(PinnedAuthority {
        ca_digest: Some(identity.ca_digest),
        provider: Arc::clone(&provider),
    });
    let mut config = ClientConfig::builder_with_details(provider, Arc::new(time.clone()))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_client_auth_cert(identity.client_chain(), key.tls_key()?)?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(Arc::new(config))
}

/// Takes the certificate with the digest from the voucher, out of the chain that the centre
/// sends, as the one authority; the chain is then checked as ever.
#[derive(Debug)]
struct PinnedAuthority {
    /// None takes the last certificate of the chain.
    ca_digest: Option<[u8; 32]>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for PinnedAuthority {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let authority = match self.ca_digest {
            Some(digest) => intermediates
                .iter()
                .find(|certificate| Sha256::digest(certificate).as_slice() == digest),
            None => intermediates.last(),
        };
        let authority = authority.ok_or(CertificateError::UnknownIssuer)?;
        let mut roots = RootCertStore::empty();
        roots.add(authority.clone().into_owned())?;
        let verifier = WebPkiServerVerifier::builder_with_provider(
            Arc::new(roots),
            Arc::clone(&self.provider),
        )
        .build()
        .map_err(|error| rustls::Error::General(error.to_string()))?;
        verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
