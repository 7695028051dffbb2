//! Enrolment and renewal. The same messages travel over TLS and, later, on a stick.
//!
//! A device that has a voucher and no certificate connects, checks the centre's CA against
//! the voucher, and sends an [`EnrolRequest`]. It repeats the same request until a person at
//! the centre has decided; the centre tells repeats by the device's key. A sensor with a
//! certificate asks for the next one with a [`RenewRequest`].

use crate::bytes::{Reader, put_text};
use crate::claim::VoucherClaim;
use crate::error::DecodeError;
use crate::ids::SensorId;
use crate::limits::{
    MAX_CERTIFICATE_BYTES, MAX_CHAIN_CERTIFICATES, MAX_MACHINE_FACTS, MAX_TEXT_BYTES,
};
use crate::message::seconds;
use crate::rows::{FieldWriter, Fields};
use crate::sealing::SealingPublicKey;

/// A device asks to be enrolled.
#[derive(Clone, PartialEq, Eq)]
pub struct EnrolRequest {
    /// What it shows of its voucher.
    pub claim: VoucherClaim,
    /// PKCS #10 request (DER) signed by the device key; the centre sets all names itself.
    pub certificate_request: Vec<u8>,
    /// The device's Ed25519 public key, the same as in the request.
    pub device_public_key: [u8; 32],
    /// What the technician called the sensor.
    pub sensor_name: String,
    /// What helps a person to decide: model, architecture, program version.
    pub machine_facts: Vec<MachineFact>,
}

impl std::fmt::Debug for EnrolRequest {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("EnrolRequest")
            .field("sensor_name", &self.sensor_name)
            .field("machine_facts", &self.machine_facts)
            .finish_non_exhaustive()
    }
}

/// One thing about the machine that asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachineFact {
    /// Lower-case words joined by underscores.
    pub name: String,
    /// The value.
    pub value: String,
}

/// A person has not decided yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EnrolPending {
    /// When to ask again, seconds.
    pub retry_after_seconds: u32,
}

/// The device is enrolled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrolApproval {
    /// The sensor it is from now on.
    pub sensor: SensorId,
    /// Its certificate (DER).
    pub certificate: Vec<u8>,
    /// The certificates (DER) from its issuer up to the CA that the voucher names.
    pub issuing_chain: Vec<Vec<u8>>,
    /// The key that its batches are sealed to.
    pub sealing_key: SealingPublicKey,
    /// How long certificates of this centre last, seconds.
    pub certificate_lifetime_seconds: u64,
    /// Shows that this centre wrote the voucher; there when the request had a proof too.
    pub proof: Option<[u8; 32]>,
}

/// The device is not enrolled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrolRefused {
    /// Why, in one line for the technician.
    pub reason: String,
}

/// A sensor asks for a new certificate for the same key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenewRequest {
    /// PKCS #10 request (DER) signed by the device key.
    pub certificate_request: Vec<u8>,
}

/// The new certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenewApproval {
    /// The certificate (DER).
    pub certificate: Vec<u8>,
    /// The certificates (DER) from its issuer up to the CA.
    pub issuing_chain: Vec<Vec<u8>>,
    /// The key that batches are sealed to from now on.
    pub sealing_key: SealingPublicKey,
    /// How long certificates of this centre last, seconds.
    pub certificate_lifetime_seconds: u64,
}

/// No new certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenewRefused {
    /// Why, in one line for the operator.
    pub reason: String,
}

impl EnrolRequest {
    pub(crate) fn write(&self, fields: &mut FieldWriter) {
        match &self.claim {
            VoucherClaim::Secret(secret) => fields.bytes(1, secret),
            VoucherClaim::Proof { id, proof } => {
                fields.bytes(6, id);
                fields.bytes(7, proof);
            }
        }
        fields.bytes(2, &self.certificate_request);
        fields.bytes(3, &self.device_public_key);
        fields.text(4, &self.sensor_name, MAX_TEXT_BYTES);
        for fact in self.machine_facts.iter().take(MAX_MACHINE_FACTS) {
            let mut bytes = Vec::new();
            put_text(&mut bytes, &fact.name, MAX_TEXT_BYTES);
            put_text(&mut bytes, &fact.value, MAX_TEXT_BYTES);
            fields.bytes(5, &bytes);
        }
    }

    pub(crate) fn read(fields: &Fields<'_>) -> Result<Self, DecodeError> {
        let machine_facts = fields.all(5).iter().take(MAX_MACHINE_FACTS).map(|bytes| {
            let mut reader = Reader::new(bytes);
            let name = reader.text(MAX_TEXT_BYTES, "machine fact")?;
            Ok(MachineFact {
                name,
                value: reader.text(MAX_TEXT_BYTES, "machine fact")?,
            })
        });
        Ok(Self {
            claim: if fields.all(6).is_empty() {
                VoucherClaim::Secret(fixed(fields, 1, "voucher secret")?)
            } else {
                VoucherClaim::Proof {
                    id: fixed(fields, 6, "voucher id")?,
                    proof: fixed(fields, 7, "proof of a voucher")?,
                }
            },
            certificate_request: certificate(fields.all(2).last().copied().unwrap_or_default())?,
            device_public_key: fixed(fields, 3, "device public key")?,
            sensor_name: fields.text(4, MAX_TEXT_BYTES)?,
            machine_facts: machine_facts.collect::<Result<_, DecodeError>>()?,
        })
    }
}

impl EnrolPending {
    pub(crate) fn write(self, fields: &mut FieldWriter) {
        fields.number(1, u64::from(self.retry_after_seconds));
    }

    pub(crate) fn read(fields: &Fields<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            retry_after_seconds: seconds(fields.number(1)?),
        })
    }
}

impl EnrolApproval {
    pub(crate) fn write(&self, fields: &mut FieldWriter) {
        fields.bytes(5, &self.sensor.0);
        write_issued(
            fields,
            &self.certificate,
            &self.issuing_chain,
            &self.sealing_key,
            self.certificate_lifetime_seconds,
        );
        fields.bytes(6, self.proof.as_ref().map_or(&[], |proof| proof.as_slice()));
    }

    pub(crate) fn read(fields: &Fields<'_>) -> Result<Self, DecodeError> {
        let RenewApproval {
            certificate,
            issuing_chain,
            sealing_key,
            certificate_lifetime_seconds,
        } = RenewApproval::read(fields)?;
        let sensor = SensorId(fixed(fields, 5, "sensor id")?);
        Ok(Self {
            sensor,
            certificate,
            issuing_chain,
            sealing_key,
            certificate_lifetime_seconds,
            proof: fields.digest(6)?,
        })
    }
}

impl EnrolRefused {
    pub(crate) fn write(&self, fields: &mut FieldWriter) {
        fields.text(1, &self.reason, MAX_TEXT_BYTES);
    }

    pub(crate) fn read(fields: &Fields<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            reason: fields.text(1, MAX_TEXT_BYTES)?,
        })
    }
}

impl RenewRequest {
    pub(crate) fn write(&self, fields: &mut FieldWriter) {
        fields.bytes(1, &self.certificate_request);
    }

    pub(crate) fn read(fields: &Fields<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            certificate_request: certificate(fields.all(1).last().copied().unwrap_or_default())?,
        })
    }
}

impl RenewApproval {
    pub(crate) fn write(&self, fields: &mut FieldWriter) {
        write_issued(
            fields,
            &self.certificate,
            &self.issuing_chain,
            &self.sealing_key,
            self.certificate_lifetime_seconds,
        );
    }

    pub(crate) fn read(fields: &Fields<'_>) -> Result<Self, DecodeError> {
        let chain = fields.all(2);
        if chain.len() > MAX_CHAIN_CERTIFICATES {
            return Err(DecodeError::OverCap {
                what: "chain",
                value: chain.len() as u64,
                cap: MAX_CHAIN_CERTIFICATES,
            });
        }
        Ok(Self {
            certificate: certificate(fields.all(1).last().copied().unwrap_or_default())?,
            issuing_chain: chain
                .iter()
                .map(|bytes| certificate(bytes))
                .collect::<Result<_, _>>()?,
            sealing_key: SealingPublicKey::from_bytes(fixed(fields, 3, "sealing key")?),
            certificate_lifetime_seconds: fields.number(4)?,
        })
    }
}

impl RenewRefused {
    pub(crate) fn write(&self, fields: &mut FieldWriter) {
        fields.text(1, &self.reason, MAX_TEXT_BYTES);
    }

    pub(crate) fn read(fields: &Fields<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            reason: fields.text(1, MAX_TEXT_BYTES)?,
        })
    }
}

fn write_issued(
    fields: &mut FieldWriter,
    certificate: &[u8],
    issuing_chain: &[Vec<u8>],
    sealing_key: &SealingPublicKey,
    lifetime_seconds: u64,
) {
    fields.bytes(1, certificate);
    for issuer in issuing_chain {
        fields.bytes(2, issuer);
    }
    fields.bytes(3, sealing_key.as_bytes());
    fields.number(4, lifetime_seconds);
}

fn certificate(bytes: &[u8]) -> Result<Vec<u8>, DecodeError> {
    match bytes.len() {
        0 => Err(DecodeError::Missing {
            what: "certificate or request",
        }),
        length if length > MAX_CERTIFICATE_BYTES => Err(DecodeError::OverCap {
            what: "certificate or request",
            value: length as u64,
            cap: MAX_CERTIFICATE_BYTES,
        }),
        _ => Ok(bytes.to_vec()),
    }
}

fn fixed<const N: usize>(
    fields: &Fields<'_>,
    tag: u64,
    what: &'static str,
) -> Result<[u8; N], DecodeError> {
    fields
        .all(tag)
        .last()
        .and_then(|bytes| (*bytes).try_into().ok())
        .ok_or(DecodeError::Missing { what })
}
