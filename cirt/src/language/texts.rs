//! The messages of all languages, parsed once.

use std::borrow::Cow;
use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};

use super::Language;

/// What a message is filled with.
#[derive(Clone, Debug)]
pub enum Argument {
    Text(String),
    /// Also chooses the plural.
    Number(u64),
}

impl From<&str> for Argument {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Argument {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for Argument {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

/// The messages of one language.
pub struct Texts {
    bundle: FluentBundle<FluentResource>,
}

const fn source(language: Language) -> &'static str {
    match language {
        Language::English => include_str!("../../locales/en.ftl"),
        Language::French => include_str!("../../locales/fr.ftl"),
        Language::Spanish => include_str!("../../locales/es.ftl"),
        Language::Portuguese => include_str!("../../locales/pt.ftl"),
        Language::Arabic => include_str!("../../locales/ar.ftl"),
        Language::Russian => include_str!("../../locales/ru.ftl"),
    }
}

static ALL: LazyLock<Vec<Texts>> =
    LazyLock::new(|| Language::ALL.into_iter().map(Texts::parse).collect());

impl Texts {
    /// The messages of a language.
    #[must_use]
    pub fn of(language: Language) -> &'static Self {
        let index = Language::ALL
            .iter()
            .position(|known| *known == language)
            .unwrap_or(0);
        &ALL[index]
    }

    fn parse(language: Language) -> Self {
        // A message that does not parse is left out, and a test finds it.
        let resource =
            FluentResource::try_new(source(language).to_owned()).unwrap_or_else(|(part, _)| part);
        let tag = language.tag().parse().unwrap_or_default();
        let mut bundle = FluentBundle::new_concurrent(vec![tag]);
        // Browsers isolate by `<bdi>` and `dir`; marks inside texts would end up in titles and files.
        bundle.set_use_isolating(false);
        bundle.add_resource_overriding(resource);
        Self { bundle }
    }

    fn find(&self, key: &str, arguments: Option<&FluentArgs<'_>>) -> Option<String> {
        let message = self.bundle.get_message(key)?;
        let mut errors = Vec::new();
        let text = self
            .bundle
            .format_pattern(message.value()?, arguments, &mut errors);
        Some(text.into_owned())
    }

    /// A message, as it stands.
    #[must_use]
    pub fn get(&self, key: &str) -> String {
        self.fill(key, &[])
    }

    /// A message, filled.
    #[must_use]
    pub fn fill(&self, key: &str, arguments: &[(&'static str, Argument)]) -> String {
        let mut filled = FluentArgs::new();
        for (name, value) in arguments {
            match value {
                Argument::Text(text) => filled.set(*name, FluentValue::from(text.as_str())),
                Argument::Number(number) => filled.set(*name, FluentValue::from(*number)),
            }
        }
        self.find(key, Some(&filled))
            .or_else(|| Self::of(Language::English).find(key, Some(&filled)))
            .map_or_else(|| Cow::Borrowed(key), Cow::Owned)
            .into_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Names of messages, each with the names of its arguments.
    fn messages(language: Language) -> BTreeMap<String, Vec<String>> {
        let text = source(language);
        let parsed = FluentResource::try_new(text.to_owned());
        assert!(
            parsed.is_ok(),
            "{language}: {:?}",
            parsed.err().map(|(_, errors)| errors)
        );
        let mut found = BTreeMap::<String, Vec<String>>::new();
        let mut current = String::new();
        for line in text.lines() {
            if let Some((name, _)) = line.split_once(" =")
                && line.starts_with(|letter: char| letter.is_ascii_lowercase())
            {
                current = name.to_owned();
                assert!(
                    found.insert(current.clone(), Vec::new()).is_none(),
                    "{language}: {name} twice"
                );
            }
            for part in line.split('$').skip(1) {
                let argument: String = part
                    .chars()
                    .take_while(|letter| {
                        letter.is_ascii_alphanumeric() || *letter == '-' || *letter == '_'
                    })
                    .collect();
                let known = found.entry(current.clone()).or_default();
                if !known.contains(&argument) {
                    known.push(argument);
                }
            }
        }
        for arguments in found.values_mut() {
            arguments.sort();
        }
        found
    }

    #[test]
    fn every_language_says_everything() {
        let english = messages(Language::English);
        assert!(english.len() > 50);
        for language in Language::ALL {
            let own = messages(language);
            let missing: Vec<_> = english
                .keys()
                .filter(|key| !own.contains_key(*key))
                .collect();
            let unknown: Vec<_> = own
                .keys()
                .filter(|key| !english.contains_key(*key))
                .collect();
            assert!(
                missing.is_empty() && unknown.is_empty(),
                "{language}: lacks {missing:?}, has {unknown:?} for nothing"
            );
            for (key, arguments) in &english {
                assert_eq!(&own[key], arguments, "{language}: {key}");
            }
        }
    }

    /// Every key that a template or a page names is there: `t("key")`, `n("key", …)`, `t1("key", …)`.
    #[test]
    fn every_text_that_is_asked_for_exists() {
        let english = messages(Language::English);
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut asked = 0;
        for folder in ["templates", "src/web"] {
            for entry in std::fs::read_dir(root.join(folder)).unwrap() {
                let path = entry.unwrap().path();
                let text = std::fs::read_to_string(&path).unwrap_or_default();
                for call in ["t(\"", "n(\"", "t1(\"", ".get(\"ui-"] {
                    for part in text.split(&format!("frame.{call}")).skip(1) {
                        let key = part.split('"').next().unwrap();
                        assert!(english.contains_key(key), "{}: {key}", path.display());
                        asked += 1;
                    }
                }
            }
        }
        assert!(asked > 50, "only {asked} texts are asked for");
    }

    #[test]
    fn plurals_follow_the_language() {
        let count = |language: Language, number: u64| {
            Texts::of(language).fill("findings-count", &[("count", number.into())])
        };
        assert_eq!(count(Language::English, 1), "1 finding");
        assert_eq!(count(Language::English, 2), "2 findings");
        let russian: Vec<String> = [1, 2, 5]
            .map(|number| count(Language::Russian, number))
            .to_vec();
        assert!(
            russian[0] != russian[1].replace('2', "1")
                && russian[1] != russian[2].replace('5', "2"),
            "{russian:?}"
        );
    }
}
