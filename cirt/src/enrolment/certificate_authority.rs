//! The centre's certificate authority.
//!
//! A root signs an issuing certificate and is not needed again until that one is renewed: `keys/root.key.pem` can be
//! moved to a safe. The issuing key signs the server's certificate and those of the sensors. Sensors and people pin
//! the root by its SHA-256, which every voucher and the start of `serve` show. ECDSA P-256 throughout, because
//! browsers take nothing newer; the sensors' own keys are Ed25519.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use lapwing_wire::{CENTRE_SERVER_NAME, DecodeError, Message, SensorId, SignedAnswer};
use rand::RngExt as _;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SanType, SerialNumber, SigningKey as _, SubjectPublicKeyInfo,
};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest as _, Sha256};

use crate::limits::{
    ISSUING_CERTIFICATE_DAYS, ROOT_CERTIFICATE_DAYS, SENSOR_CERTIFICATE_DAYS,
    SERVER_CERTIFICATE_DAYS,
};
use crate::settings::DataFolder;
use crate::settings::data_folder::write_private;

const ROOT_KEY: &str = "root.key.pem";
const ROOT_CERTIFICATE: &str = "root.crt.pem";
const ISSUING_KEY: &str = "issuing.key.pem";
const ISSUING_CERTIFICATE: &str = "issuing.crt.pem";

/// Certificates begin this long before they are made: a board without a clock wakes up in the past.
pub(super) const BACKDATE: Duration = Duration::from_secs(24 * 3600);
/// What stands before the 32 bytes of an Ed25519 key in a SubjectPublicKeyInfo (RFC 8410, section 4).
const ED25519_KEY_INFO_PREFIX: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

/// A failing step of the authority.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    #[error("cannot write {0}")]
    Write(PathBuf, #[source] std::io::Error),
    #[error("cannot read {0}")]
    Read(PathBuf, #[source] std::io::Error),
    #[error("{0} holds no usable certificate or key")]
    Pem(PathBuf),
    #[error("cannot be said to a sensor")]
    Say(#[from] DecodeError),
    #[error("cannot make a {0}")]
    Make(&'static str, #[source] rcgen::Error),
    #[error("{0:?} cannot be put into a certificate as a host name")]
    HostName(String),
}

/// The authority, ready to issue.
pub struct CertificateAuthority {
    root: CertificateDer<'static>,
    issuing: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate for a sensor.
pub struct IssuedCertificate {
    pub certificate: CertificateDer<'static>,
    pub serial: Vec<u8>,
    pub expires: Timestamp,
}

/// What the centre shows to everyone who connects: its chain up to and including the root, and the key.
pub struct ServerIdentity {
    pub chain: Vec<CertificateDer<'static>>,
    pub key: PrivateKeyDer<'static>,
}

impl CertificateAuthority {
    /// Makes root and issuing certificate with new keys and stores them in the data folder.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn create(folder: &DataFolder, centre: &str) -> Result<Self, AuthorityError> {
        let root_key =
            KeyPair::generate().map_err(|error| AuthorityError::Make("root key", error))?;
        let root_params = authority_params(&format!("{centre} root"), ROOT_CERTIFICATE_DAYS, 1);
        let root = root_params
            .self_signed(&root_key)
            .map_err(|error| AuthorityError::Make("root certificate", error))?;
        let root_issuer = Issuer::from_params(&root_params, &root_key);

        let issuing_key =
            KeyPair::generate().map_err(|error| AuthorityError::Make("issuing key", error))?;
        let issuing = authority_params(&format!("{centre} issuing"), ISSUING_CERTIFICATE_DAYS, 0)
            .signed_by(&issuing_key, &root_issuer)
            .map_err(|error| AuthorityError::Make("issuing certificate", error))?;

        for (name, pem) in [
            (ROOT_KEY, root_key.serialize_pem()),
            (ROOT_CERTIFICATE, root.pem()),
            (ISSUING_KEY, issuing_key.serialize_pem()),
            (ISSUING_CERTIFICATE, issuing.pem()),
        ] {
            let path = folder.key(name);
            write_private(&path, pem.as_bytes())
                .map_err(|error| AuthorityError::Write(path, error))?;
        }
        Self::load(folder)
    }

    /// Opens the authority of a data folder. The root's key is not needed.
    ///
    /// # Errors
    /// When a file is missing or unusable.
    pub fn load(folder: &DataFolder) -> Result<Self, AuthorityError> {
        let key_path = folder.key(ISSUING_KEY);
        let key_pem = std::fs::read_to_string(&key_path)
            .map_err(|error| AuthorityError::Read(key_path.clone(), error))?;
        let key = KeyPair::from_pem(&key_pem).map_err(|_| AuthorityError::Pem(key_path))?;
        let issuing_path = folder.key(ISSUING_CERTIFICATE);
        let issuing = read_certificate(issuing_path.clone())?;
        let root = read_certificate(folder.key(ROOT_CERTIFICATE))?;
        let issuer = Issuer::from_ca_cert_der(&issuing, key)
            .map_err(|_| AuthorityError::Pem(issuing_path))?;
        Ok(Self {
            root,
            issuing,
            issuer,
        })
    }

    /// The root certificate.
    #[must_use]
    pub const fn root(&self) -> &CertificateDer<'static> {
        &self.root
    }

    /// The issuing certificate.
    #[must_use]
    pub const fn issuing(&self) -> &CertificateDer<'static> {
        &self.issuing
    }

    /// SHA-256 of the root certificate's DER: what vouchers carry and people compare.
    #[must_use]
    pub fn root_fingerprint(&self) -> [u8; 32] {
        Sha256::digest(&self.root).into()
    }

    /// Makes a server certificate with a new key for these host names and addresses. The key never
    /// touches the disk.
    ///
    /// # Errors
    /// When a name is not usable.
    pub fn issue_server(&self, hosts: &[String]) -> Result<ServerIdentity, AuthorityError> {
        let (chain, key) = self.server(hosts)?;
        Ok(ServerIdentity {
            chain,
            key: PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        })
    }

    /// Says something to one sensor, signed as the centre's own server would be in TLS.
    ///
    /// # Errors
    /// When there is too much to say, or signing fails.
    pub fn sign_answer(
        &self,
        sensor: SensorId,
        made_milliseconds: u64,
        messages: &[Message],
    ) -> Result<Vec<u8>, AuthorityError> {
        let (chain, key) = self.server(&[CENTRE_SERVER_NAME.to_owned()])?;
        let chain: Vec<Vec<u8>> = chain.iter().map(|der| der.to_vec()).collect();
        SignedAnswer::write(sensor, made_milliseconds, &chain, messages, |bytes| {
            key.sign(bytes)
                .map_err(|error| AuthorityError::Make("signature", error))
        })
    }

    fn server(
        &self,
        hosts: &[String],
    ) -> Result<(Vec<CertificateDer<'static>>, KeyPair), AuthorityError> {
        let mut params = leaf_params("lapwing-cirt", SERVER_CERTIFICATE_DAYS);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        for host in hosts {
            let name = match host.parse::<IpAddr>() {
                Ok(address) => SanType::IpAddress(address),
                Err(_) => SanType::DnsName(
                    host.as_str()
                        .try_into()
                        .map_err(|_| AuthorityError::HostName(host.clone()))?,
                ),
            };
            params.subject_alt_names.push(name);
        }
        let key = KeyPair::generate().map_err(|error| AuthorityError::Make("server key", error))?;
        let certificate = params
            .signed_by(&key, &self.issuer)
            .map_err(|error| AuthorityError::Make("server certificate", error))?;
        let chain = vec![
            certificate.der().clone(),
            self.issuing.clone(),
            self.root.clone(),
        ];
        Ok((chain, key))
    }

    /// Makes a client certificate for a sensor's Ed25519 key. Nothing in it comes from the sensor but the key.
    ///
    /// # Errors
    /// When the key is no Ed25519 key.
    pub fn issue_sensor(
        &self,
        identity: &[u8; 16],
        public_key: &[u8; 32],
    ) -> Result<IssuedCertificate, AuthorityError> {
        let mut params = leaf_params(&hex::encode(identity), SENSOR_CERTIFICATE_DAYS);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let serial = params
            .serial_number
            .as_ref()
            .map(SerialNumber::to_bytes)
            .unwrap_or_default();
        let expires = Timestamp::try_from(SystemTime::now() + days(SENSOR_CERTIFICATE_DAYS))
            .unwrap_or(Timestamp::MAX);
        let mut key_info = ED25519_KEY_INFO_PREFIX.to_vec();
        key_info.extend_from_slice(public_key);
        let key = SubjectPublicKeyInfo::from_der(&key_info)
            .map_err(|error| AuthorityError::Make("sensor's public key", error))?;
        let certificate = params
            .signed_by(&key, &self.issuer)
            .map_err(|error| AuthorityError::Make("sensor certificate", error))?;
        Ok(IssuedCertificate {
            certificate: certificate.der().clone(),
            serial,
            expires,
        })
    }
}

fn read_certificate(path: PathBuf) -> Result<CertificateDer<'static>, AuthorityError> {
    let pem = std::fs::read(&path).map_err(|error| AuthorityError::Read(path.clone(), error))?;
    CertificateDer::from_pem_slice(&pem).map_err(|_| AuthorityError::Pem(path))
}

fn base_params(common_name: &str, validity_days: u32) -> CertificateParams {
    let mut params = CertificateParams::default();
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, "Lapwing");
    name.push(DnType::CommonName, common_name);
    params.distinguished_name = name;
    params.not_before = (SystemTime::now() - BACKDATE).into();
    params.not_after = (SystemTime::now() + days(validity_days)).into();
    // 16 random bytes; the first bit clear so that the number is positive in DER.
    let mut serial: [u8; 16] = rand::rng().random();
    serial[0] = serial[0] & 0x7f | 0x40;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    params.use_authority_key_identifier_extension = true;
    params
}

fn authority_params(common_name: &str, validity_days: u32, path_length: u8) -> CertificateParams {
    let mut params = base_params(common_name, validity_days);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(path_length));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn leaf_params(common_name: &str, validity_days: u32) -> CertificateParams {
    let mut params = base_params(common_name, validity_days);
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params
}

fn days(count: u32) -> Duration {
    Duration::from_secs(u64::from(count) * 24 * 3600)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn keys_are_private_and_the_chain_holds() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = DataFolder::new(temporary.path());
        folder.create().unwrap();
        let authority = CertificateAuthority::create(&folder, "test").unwrap();
        for entry in std::fs::read_dir(temporary.path().join("keys")).unwrap() {
            let mode = entry.unwrap().metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        let server = authority
            .issue_server(&["localhost".to_owned(), "127.0.0.1".to_owned()])
            .unwrap();
        assert_eq!(server.chain.len(), 3);
        let mut roots = rustls::RootCertStore::empty();
        roots.add(authority.root().clone()).unwrap();
        let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier =
            rustls::client::WebPkiServerVerifier::builder_with_provider(roots.into(), provider)
                .build()
                .unwrap();
        use rustls::client::danger::ServerCertVerifier as _;
        let now = rustls_pki_types::UnixTime::now();
        let name = "localhost".try_into().unwrap();
        verifier
            .verify_server_cert(&server.chain[0], &server.chain[1..], &name, &[], now)
            .unwrap();

        // A second process opens the same authority.
        let again = CertificateAuthority::load(&folder).unwrap();
        assert_eq!(again.root_fingerprint(), authority.root_fingerprint());
    }
}
