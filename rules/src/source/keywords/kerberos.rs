//! Keywords of Kerberos whose values are more than a range of numbers.

use super::{super::keyword_table::Context, Done, value};
use crate::{
    model::{AppProtocol, HeaderField, PacketCondition},
    source::{
        draft::{ConditionDraft, RuleDraft},
        problem::Problem,
        syntax::{RuleOption, Word},
        values::{integer, list},
    },
};

/// Encryption types by the names of the registry (RFC 3961, section 8, and IANA's list behind it).
const ENCRYPTIONS: [(&str, i32); 33] = [
    ("des-cbc-crc", 1),
    ("des-cbc-md4", 2),
    ("des-cbc-md5", 3),
    ("des3-cbc-md5", 5),
    ("des3-cbc-sha1", 7),
    ("dsaWithSHA1-CmsOID", 9),
    ("md5WithRSAEncryption-CmsOID", 10),
    ("sha1WithRSAEncryption-CmsOID", 11),
    ("rc2CBC-EnvOID", 12),
    ("rsaEncryption-EnvOID", 13),
    ("rsaES-OAEP-ENV-OID", 14),
    ("des-ede3-cbc-Env-OID", 15),
    ("des3-cbc-sha1-kd", 16),
    ("aes128-cts-hmac-sha1-96", 17),
    ("aes256-cts-hmac-sha1-96", 18),
    ("aes128-cts-hmac-sha256-128", 19),
    ("aes256-cts-hmac-sha384-192", 20),
    ("rc4-hmac", 23),
    ("rc4-hmac-exp", 24),
    ("camellia128-cts-cmac", 25),
    ("camellia256-cts-cmac", 26),
    ("subkey-keymaterial", 65),
    ("rc4-md4", -128),
    ("rc4-plain2", -129),
    ("rc4-lm", -130),
    ("rc4-sha", -131),
    ("des-plain", -132),
    ("rc4-hmac-OLD", -133),
    ("rc4-plain-OLD", -134),
    ("rc4-hmac-OLD-exp", -135),
    ("rc4-plain-OLD-exp", -136),
    ("rc4-plain", -140),
    ("rc4-plain-exp", -141),
];

/// The types that are not weak: AES and Camellia.
const STRONG: [(u64, u64); 2] = [(17, 20), (25, 26)];
const WEAK: [(u64, u64); 3] = [(0, 16), (21, 24), (27, u32::MAX as u64)];

fn push(
    rule: &mut RuleDraft,
    option: &RuleOption<'_>,
    condition: PacketCondition<'static>,
) -> Done {
    rule.imply(AppProtocol::Krb5, option.name.text(), &option.name.span())?;
    rule.traits.transaction = true;
    rule.conditions.push(ConditionDraft::Plain(condition));
    Ok(())
}

/// A signed number as the 32 bits that the transaction shows.
fn signed_number(word: Word<'_>) -> Option<u64> {
    let number = i32::try_from(integer(word)?).ok()?;
    Some(u64::from(number.cast_unsigned()))
}

/// `krb5.ticket_encryption:weak`, `!weak`, or names and numbers in a list.
pub(crate) fn ticket_encryption(
    rule: &mut RuleDraft,
    option: &RuleOption<'_>,
    _: &Context<'_>,
) -> Done {
    let word = value(option);
    let ranges = match word.text().trim() {
        "weak" => WEAK.to_vec(),
        "!weak" => STRONG.to_vec(),
        _ => list(word)
            .into_iter()
            .map(|item| {
                let number = encryption(item).ok_or_else(|| {
                    Problem::value(
                        item.span(),
                        format!("`{}` is no encryption type", item.text()),
                    )
                    .hint("write weak, !weak, a name as aes128-cts-hmac-sha1-96, or a number")
                })?;
                Ok((number, number))
            })
            .collect::<Result<_, Problem>>()?,
    };
    let condition = PacketCondition::FieldAnyOf(HeaderField::Krb5TicketEncryption, ranges);
    push(rule, option, condition)
}

fn encryption(item: Word<'_>) -> Option<u64> {
    let known = ENCRYPTIONS.iter().find(|(name, _)| *name == item.text());
    known
        .map(|(_, number)| u64::from(number.cast_unsigned()))
        .or_else(|| signed_number(item))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encryptions_are_names_or_numbers() {
        let read = |text: &str| {
            encryption(Word {
                bytes: text.as_bytes(),
                start: 0,
            })
        };
        assert_eq!(read("rc4-hmac"), Some(23));
        assert_eq!(read("-128"), Some(0xffff_ff80));
        assert_eq!(read("rc4-md4"), read("-128"));
        assert_eq!(read("rc5"), None);
    }

    #[test]
    fn weak_and_strong_are_all() {
        let weak = |number| {
            WEAK.iter()
                .any(|(first, last)| (*first..=*last).contains(&number))
        };
        let strong = |number| {
            STRONG
                .iter()
                .any(|(first, last)| (*first..=*last).contains(&number))
        };
        for number in (0..300).chain([u64::from(u32::MAX)]) {
            assert!(weak(number) != strong(number), "{number}");
        }
    }
}
