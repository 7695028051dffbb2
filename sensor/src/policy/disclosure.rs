//! What may be told under a policy: the one place that turns an address, or a text with addresses in it, into what leaves.

use std::borrow::Cow;
use std::net::IpAddr;

use lapwing_wire::DisclosedAddress;

use super::{
    AddressRule, Policy, address_text,
    pseudonyms::{self, EpochKey},
};

/// A policy with the key that it needs.
#[derive(Clone, Copy, Debug)]
pub struct Disclosure<'a> {
    /// What may leave.
    pub policy: &'a Policy,
    /// The key of the pseudonyms. Without one an address that should become a pseudonym is withheld.
    pub pseudonyms: Option<&'a EpochKey>,
}

impl<'a> Disclosure<'a> {
    /// What may be told about an address, in whatever field it stands.
    #[must_use]
    pub fn address(&self, address: IpAddr) -> DisclosedAddress {
        let policy = self.policy;
        let rule = if policy.home_networks.contains(address) {
            policy.home
        } else {
            policy.others
        };
        match (rule, self.pseudonyms) {
            (AddressRule::Clear, _) => DisclosedAddress::Clear(address),
            (AddressRule::Pseudonym(mode), Some(key)) => DisclosedAddress::Pseudonym {
                address: key.pseudonym(address, mode),
                key_epoch: key.epoch,
            },
            (AddressRule::Pseudonym(_), None) | (AddressRule::Withhold, _) => {
                DisclosedAddress::Withheld
            }
        }
    }

    /// A text as it may leave: addresses in it that become pseudonyms are replaced. `None` when one is withheld: then so is the text.
    #[must_use]
    pub fn text(&self, text: &'a [u8]) -> Option<Cow<'a, [u8]>> {
        let mut replaced = Vec::new();
        for written in address_text::addresses_in(text) {
            match self.address(written.address) {
                DisclosedAddress::Clear(_) => {}
                DisclosedAddress::Withheld => return None,
                DisclosedAddress::Pseudonym { address, key_epoch } => {
                    let word = pseudonyms::written(address, key_epoch);
                    replaced.push((written.range, word.into_bytes()));
                }
            }
        }
        Some(if replaced.is_empty() {
            Cow::Borrowed(text)
        } else {
            Cow::Owned(address_text::replace(text, replaced))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{PseudonymMode, TEMPLATE, file};

    fn policy(home: &str) -> Policy {
        file::parse(&TEMPLATE.replace("home = \"withhold\"", &format!("home = \"{home}\"")))
            .unwrap()
    }

    #[test]
    fn text_is_told_with_pseudonyms_in_it() {
        let policy = policy("pseudonym");
        let key = EpochKey::generate(4, getrandom::fill).unwrap();
        let disclosure = Disclosure {
            policy: &policy,
            pseudonyms: Some(&key),
        };
        let told = |text: &'static str| {
            let told = disclosure.text(text.as_bytes()).unwrap();
            String::from_utf8(told.into_owned()).unwrap()
        };
        let word = |address: &str| {
            let pseudonym = key.pseudonym(address.parse().unwrap(), PseudonymMode::KeepPrefixes);
            format!("p4~{pseudonym}~")
        };
        assert_eq!(told("203.0.113.1, example.com"), "203.0.113.1, example.com");
        assert_eq!(
            told("203.0.113.1, 10.1.2.3:80"),
            format!("203.0.113.1, {}:80", word("10.1.2.3"))
        );
        assert_eq!(
            told("3.2.1.10.in-addr.arpa"),
            word("10.1.2.3"),
            "the reverse name as a whole"
        );
        assert_eq!(
            told("PORT 10,1,2,3,7,8"),
            format!("PORT {},7,8", word("10.1.2.3"))
        );
        assert_eq!(told("[fd00::1]"), format!("[{}]", word("fd00::1")));
        assert_eq!(told("10.10.1.2.3"), "p~", "two readings");
    }

    #[test]
    fn without_a_key_pseudonyms_are_withheld() {
        let policy = policy("pseudonym");
        let disclosure = Disclosure {
            policy: &policy,
            pseudonyms: None,
        };
        assert_eq!(
            disclosure.address("10.1.2.3".parse().unwrap()),
            DisclosedAddress::Withheld
        );
        assert_eq!(disclosure.text(b"at 10.1.2.3"), None);
    }
}
