//! What is said to people about a policy, in their language: one table of messages for each, `messages/*.toml`.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::LazyLock;

/// A language that policies are explained in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// French.
    French,
    /// Spanish.
    Spanish,
}

type Messages = BTreeMap<String, String>;

static ENGLISH: LazyLock<Messages> = LazyLock::new(|| read(include_str!("messages/en.toml")));
static FRENCH: LazyLock<Messages> = LazyLock::new(|| read(include_str!("messages/fr.toml")));
static SPANISH: LazyLock<Messages> = LazyLock::new(|| read(include_str!("messages/es.toml")));

/// A table that cannot be read is empty: then English is spoken. A test reads them all.
fn read(text: &str) -> Messages {
    toml::from_str(text).unwrap_or_default()
}

impl Language {
    /// Every language.
    pub const ALL: [Self; 3] = [Self::English, Self::French, Self::Spanish];

    /// The language of a tag, as `fr`, `fr-CI` or `fr_CI.UTF-8`.
    #[must_use]
    pub fn of_tag(tag: &str) -> Option<Self> {
        let word = tag.split(['-', '_', '.']).next()?;
        let tags = ["en", "fr", "es"].into_iter().zip(Self::ALL);
        tags.into_iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(word))
            .map(|(_, language)| language)
    }

    /// A message.
    #[must_use]
    pub fn say(self, key: &str) -> &'static str {
        let own = self.messages().get(key);
        own.or_else(|| ENGLISH.get(key)).map_or("", String::as_str)
    }

    /// A message with values in it.
    #[must_use]
    pub fn say_with(self, key: &str, values: &[(&str, &dyn Display)]) -> String {
        let mut text = self.say(key).to_owned();
        for (name, value) in values {
            text = text.replace(&format!("{{{name}}}"), &value.to_string());
        }
        text
    }

    /// Things in a row, the last one joined by a message.
    #[must_use]
    pub fn listed(self, items: impl IntoIterator<Item = impl Display>, joined_by: &str) -> String {
        let mut items = items
            .into_iter()
            .map(|item| item.to_string())
            .collect::<Vec<_>>();
        match items.pop() {
            None => String::new(),
            Some(last) if items.is_empty() => last,
            Some(last) => format!("{} {} {last}", items.join(", "), self.say(joined_by)),
        }
    }

    fn messages(self) -> &'static Messages {
        match self {
            Self::English => &ENGLISH,
            Self::French => &FRENCH,
            Self::Spanish => &SPANISH,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(text: &str) -> Vec<&str> {
        let mut places: Vec<_> = text
            .split('{')
            .skip(1)
            .filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
            .collect();
        places.sort_unstable();
        places
    }

    #[test]
    fn no_language_misses_a_message_or_a_value() {
        assert!(ENGLISH.len() > 50);
        for language in Language::ALL {
            let messages = language.messages();
            let keys = |messages: &Messages| messages.keys().cloned().collect::<Vec<_>>();
            assert_eq!(keys(messages), keys(&ENGLISH), "{language:?}");
            for (key, english) in ENGLISH.iter() {
                assert_eq!(
                    places(&messages[key]),
                    places(english),
                    "{language:?} {key}"
                );
            }
        }
    }

    /// A key that the program says and no table has would be said as nothing.
    #[test]
    fn every_message_that_is_said_is_there() {
        let sources = [include_str!("explain.rs"), include_str!("difference.rs")];
        let said = sources.iter().flat_map(|source| source.split("say"));
        let mut count = 0;
        for rest in said {
            let Some(rest) = rest
                .strip_prefix("(\"")
                .or_else(|| rest.strip_prefix("_with(\""))
            else {
                continue;
            };
            let key = rest.split('"').next().unwrap();
            assert!(ENGLISH.contains_key(key), "{key}");
            count += 1;
        }
        assert!(count > 20, "{count}");
    }

    #[test]
    fn tags_name_languages() {
        assert_eq!(Language::of_tag("fr_CI.UTF-8"), Some(Language::French));
        assert_eq!(Language::of_tag("ES"), Some(Language::Spanish));
        assert_eq!(Language::of_tag("C"), None);
        assert_eq!(Language::French.listed(["a", "b", "c"], "and"), "a, b et c");
    }
}
