//! Payloads of version 2 (RFC 7296, section 3), and what is weak in their proposals.

use ipsec_parser::{
    IkePayloadType, IkeTransformAuthType as Auth, IkeTransformDHType as Group,
    IkeTransformEncType as Cipher, IkeTransformPRFType as Prf, IkeV2PayloadContent, IkeV2Proposal,
    IkeV2Transform, ProtocolID, parse_ikev2_payload_list,
};
use lapwing_rules::model::SaAttribute;

use super::message::IkeMessage;
use crate::{
    app_layer::{messages::OneMessage, transactions::Events},
    direction::Direction,
};

/// Reads the payloads of a message: its events, and what the responder chooses.
pub(super) fn read(
    direction: Direction,
    first: u8,
    bytes: &[u8],
    transaction: &mut OneMessage<IkeMessage>,
) {
    let Ok((_, Ok(payloads))) = parse_ikev2_payload_list(bytes, IkePayloadType(first)) else {
        return;
    };
    for payload in &payloads {
        let IkeV2PayloadContent::SA(proposals) = &payload.content else {
            continue;
        };
        for proposal in proposals {
            let transforms: Vec<IkeV2Transform> = proposal
                .transforms
                .iter()
                .map(IkeV2Transform::from)
                .collect();
            judge(proposal, &transforms, &mut transaction.events);
            if direction == Direction::ToClient {
                for (attribute, value) in transforms.iter().filter_map(attribute) {
                    transaction.message.choose(attribute, value);
                }
            }
        }
    }
}

fn attribute(transform: &IkeV2Transform) -> Option<(SaAttribute, u32)> {
    Some(match transform {
        IkeV2Transform::Encryption(cipher) => (SaAttribute::Encryption, u32::from(cipher.0)),
        IkeV2Transform::Auth(auth) => (SaAttribute::Authentication, u32::from(auth.0)),
        IkeV2Transform::PRF(prf) => (SaAttribute::Prf, u32::from(prf.0)),
        IkeV2Transform::DH(group) => (SaAttribute::Group, u32::from(group.0)),
        _ => return None,
    })
}

/// Events of a proposal: weak, missing and unknown transforms.
fn judge(proposal: &IkeV2Proposal<'_>, transforms: &[IkeV2Transform], events: &mut Events) {
    for transform in transforms {
        if let Some(event) = flaw(transform) {
            events.add(event);
        }
    }
    let has = |wanted: fn(&IkeV2Transform) -> bool| transforms.iter().any(wanted);
    if !has(|transform| matches!(transform, IkeV2Transform::DH(_))) {
        events.add("weak_crypto_no_dh");
    }
    if proposal.protocol_id == ProtocolID::AH {
        events.add("no_encryption");
    }
    // Integrity may be missing only where the cipher brings it.
    let has_integrity = has(
        |transform| matches!(transform, IkeV2Transform::Auth(auth) if *auth != Auth::NONE),
    ) || has(
        |transform| matches!(transform, IkeV2Transform::Encryption(cipher) if cipher.is_aead()),
    );
    if !has_integrity {
        events.add("weak_crypto_no_auth");
    }
}

fn flaw(transform: &IkeV2Transform) -> Option<&'static str> {
    match transform {
        IkeV2Transform::Encryption(
            Cipher::ENCR_DES_IV64
            | Cipher::ENCR_DES
            | Cipher::ENCR_3DES
            | Cipher::ENCR_RC5
            | Cipher::ENCR_IDEA
            | Cipher::ENCR_CAST
            | Cipher::ENCR_BLOWFISH
            | Cipher::ENCR_3IDEA
            | Cipher::ENCR_DES_IV32
            | Cipher::ENCR_NULL,
        ) => Some("weak_crypto_enc"),
        IkeV2Transform::PRF(Prf::PRF_NULL) | IkeV2Transform::DH(Group::None) => {
            Some("invalid_proposal")
        }
        IkeV2Transform::PRF(Prf::PRF_HMAC_MD5 | Prf::PRF_HMAC_SHA1) => Some("weak_crypto_prf"),
        IkeV2Transform::Auth(
            Auth::AUTH_HMAC_MD5_96
            | Auth::AUTH_HMAC_SHA1_96
            | Auth::AUTH_DES_MAC
            | Auth::AUTH_KPDK_MD5
            | Auth::AUTH_AES_XCBC_96
            | Auth::AUTH_HMAC_MD5_128
            | Auth::AUTH_HMAC_SHA1_160,
        ) => Some("weak_crypto_auth"),
        IkeV2Transform::DH(
            Group::Modp768 | Group::Modp1024 | Group::Modp1024s160 | Group::Modp1536,
        ) => Some("weak_crypto_dh"),
        IkeV2Transform::Unknown(..) => Some("unknown_proposal"),
        _ => None,
    }
}
