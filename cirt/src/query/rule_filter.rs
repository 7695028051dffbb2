//! Which rule a person means.

use std::convert::Infallible;
use std::str::FromStr;

/// A rule by number, or by words of its message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleFilter {
    /// `sid`, of any generator.
    Signature(u32),
    /// `gid:sid`, any revision.
    Generator { gid: u32, sid: u32 },
    /// `gid:sid:rev`.
    Revision { gid: u32, sid: u32, rev: u32 },
    /// Anything else: text that the message contains.
    Message(String),
}

impl FromStr for RuleFilter {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let numbers: Option<Vec<u32>> = text.split(':').map(|part| part.parse().ok()).collect();
        Ok(match numbers.as_deref() {
            Some(&[sid]) => Self::Signature(sid),
            Some(&[gid, sid]) => Self::Generator { gid, sid },
            Some(&[gid, sid, rev]) => Self::Revision { gid, sid, rev },
            _ => Self::Message(text.to_owned()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::RuleFilter;

    #[test]
    fn numbers_are_ids_and_the_rest_is_text() {
        let parse = |text: &str| text.parse::<RuleFilter>().unwrap();
        assert_eq!(parse("2001"), RuleFilter::Signature(2001));
        assert_eq!(parse("1:2001"), RuleFilter::Generator { gid: 1, sid: 2001 });
        assert_eq!(
            parse("1:2001:3"),
            RuleFilter::Revision {
                gid: 1,
                sid: 2001,
                rev: 3
            }
        );
        assert_eq!(
            parse("LAPWING web: exploit"),
            RuleFilter::Message("LAPWING web: exploit".to_owned())
        );
    }
}
