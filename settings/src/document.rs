//! Reading a TOML file that a person wrote: every value is looked at, and every mistake is told with its line.
//!
//! A [`Section`] gives typed values and writes down what is wrong with them; nothing stops at the first mistake. Keys
//! that nobody asked for are mistakes too: a misspelt key must not silently mean "default".

use std::{
    cell::RefCell,
    collections::BTreeSet,
    fmt::{self, Display},
    ops::RangeInclusive,
};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// One thing that is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Line in the file, from 1.
    pub line: usize,
    /// What is wrong and what to write instead.
    pub text: String,
}

/// Everything that is wrong with a file, in order of lines.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Mistakes(pub Vec<Mistake>);

impl Display for Mistakes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(
                formatter,
                "{separator}line {}: {}",
                mistake.line, mistake.text
            )?;
        }
        Ok(())
    }
}

/// Mistakes told of one file; a file with more is told to be cut.
const MISTAKES_MAX: usize = 100;

/// Reads `text` as TOML and builds a value from it with `build`.
///
/// # Errors
/// All mistakes of the file together: those of TOML, those that `build` found, and unknown keys.
pub fn read<T>(text: &str, build: impl FnOnce(&Section<'_>) -> T) -> Result<T, Mistakes> {
    let log = Log {
        text,
        mistakes: RefCell::default(),
    };
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let position = error.span().map_or(0, |span| span.start);
        log.note(
            position,
            error.message().lines().collect::<Vec<_>>().join(" "),
        );
    }
    // With broken TOML the rest would only be told what follows from it.
    if !log.mistakes.borrow().is_empty() {
        return Err(log.finish());
    }
    let root = Section::new(&log, String::new(), 0, Some(table.get_ref()));
    let value = build(&root);
    root.finish();
    if log.mistakes.borrow().is_empty() {
        Ok(value)
    } else {
        Err(log.finish())
    }
}

struct Log<'a> {
    text: &'a str,
    mistakes: RefCell<Vec<Mistake>>,
}

impl Log<'_> {
    fn note(&self, position: usize, text: String) {
        let before = self.text.as_bytes().get(..position).unwrap_or_default();
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        let mut mistakes = self.mistakes.borrow_mut();
        if mistakes.len() < MISTAKES_MAX {
            mistakes.push(Mistake { line, text });
        }
    }

    fn finish(self) -> Mistakes {
        let mut mistakes = self.mistakes.into_inner();
        mistakes.sort_by_key(|mistake| mistake.line);
        Mistakes(mistakes)
    }
}

/// A table of the file, or the place where one could stand.
pub struct Section<'a> {
    log: &'a Log<'a>,
    path: String,
    position: usize,
    table: Option<&'a DeTable<'a>>,
    asked: RefCell<BTreeSet<&'static str>>,
}

impl<'a> Section<'a> {
    fn new(
        log: &'a Log<'a>,
        path: String,
        position: usize,
        table: Option<&'a DeTable<'a>>,
    ) -> Self {
        Self {
            log,
            path,
            position,
            table,
            asked: RefCell::default(),
        }
    }

    /// Whether the file has this table.
    #[must_use]
    pub fn is_present(&self) -> bool {
        self.table.is_some()
    }

    /// Reads the table `key`; one that is missing is read as empty.
    pub fn section<T>(&self, key: &'static str, build: impl FnOnce(&Section<'_>) -> T) -> T {
        let path = self.path_of(key);
        let (position, table) = match self.value(key) {
            None => (self.position, None),
            Some(value) => {
                let table = value.get_ref().as_table();
                if table.is_none() {
                    self.note_value(value, key, "must be a table, written [TABLE]");
                }
                (value.span().start, table)
            }
        };
        let section = Section::new(self.log, path, position, table);
        let value = build(&section);
        section.finish();
        value
    }

    /// A text, if there is one.
    #[must_use]
    pub fn text(&self, key: &'static str) -> Option<&'a str> {
        let value = self.value(key)?;
        let text = value.get_ref().as_str();
        if text.is_none() {
            self.note_value(value, key, "must be a text in quotes");
        }
        text
    }

    /// A text that `parse` understands. `parse` says what is wrong otherwise.
    #[must_use]
    pub fn parsed<T, E: Display>(
        &self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text(key)?;
        match parse(text) {
            Ok(value) => Some(value),
            Err(error) => {
                self.mistake(key, &error);
                None
            }
        }
    }

    /// A whole number within a range.
    #[must_use]
    pub fn number(&self, key: &'static str, range: RangeInclusive<u64>) -> Option<u64> {
        let value = self.value(key)?;
        let number = number_of(value.get_ref()).filter(|number| range.contains(number));
        if number.is_none() {
            let (low, high) = range.into_inner();
            self.note_value(
                value,
                key,
                &format!("must be a whole number from {low} to {high}"),
            );
        }
        number
    }

    /// Yes or no.
    #[must_use]
    pub fn boolean(&self, key: &'static str) -> Option<bool> {
        let value = self.value(key)?;
        let boolean = value.get_ref().as_bool();
        if boolean.is_none() {
            self.note_value(value, key, "must be true or false");
        }
        boolean
    }

    /// A list of texts that `parse` understands; what it does not is told for each entry.
    #[must_use]
    pub fn list<T, E: Display>(
        &self,
        key: &'static str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<Vec<T>> {
        self.entries(key, "a text in quotes", |value| {
            value
                .as_str()
                .map(|text| parse(text).map_err(|error| error.to_string()))
        })
    }

    /// A list of whole numbers within a range.
    #[must_use]
    pub fn numbers(&self, key: &'static str, range: RangeInclusive<u64>) -> Option<Vec<u64>> {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        self.entries(key, &expected, |value| {
            number_of(value)
                .filter(|number| range.contains(number))
                .map(Ok)
        })
    }

    /// Reads each table of an array of tables, written `[[KEY]]`.
    #[must_use]
    pub fn sections<T>(&self, key: &'static str, build: impl Fn(&Section<'_>) -> T) -> Vec<T> {
        let Some(value) = self.value(key) else {
            return Vec::new();
        };
        let Some(array) = value.get_ref().as_array() else {
            self.note_value(
                value,
                key,
                "must be a list of tables, each written [[TABLE]]",
            );
            return Vec::new();
        };
        let mut built = Vec::new();
        for (index, entry) in array.iter().enumerate() {
            let path = format!("{}[{index}]", self.path_of(key));
            let Some(table) = entry.get_ref().as_table() else {
                self.note_value(entry, key, "must be a table, written [[TABLE]]");
                continue;
            };
            let section = Section::new(self.log, path, entry.span().start, Some(table));
            built.push(build(&section));
            section.finish();
        }
        built
    }

    /// Writes down that `key` is missing; `hint` says what to write.
    pub fn missing(&self, key: &'static str, hint: &str) {
        let text = format!("{} is missing: {hint}", self.path_of(key));
        self.log.note(self.position, text);
    }

    /// Writes down that something is wrong with the value of `key`.
    pub fn mistake(&self, key: &'static str, what: &dyn Display) {
        let position = self
            .value(key)
            .map_or(self.position, |value| value.span().start);
        self.log
            .note(position, format!("{}: {what}", self.path_of(key)));
    }

    fn entries<T>(
        &self,
        key: &'static str,
        expected: &str,
        parse: impl Fn(&DeValue<'_>) -> Option<Result<T, String>>,
    ) -> Option<Vec<T>> {
        let value = self.value(key)?;
        let Some(array) = value.get_ref().as_array() else {
            self.note_value(value, key, "must be a list, written [A, B]");
            return None;
        };
        let mut parsed = Vec::new();
        for entry in array.iter() {
            match parse(entry.get_ref()) {
                Some(Ok(value)) => parsed.push(value),
                Some(Err(what)) => self.note_value(entry, key, &what),
                None => self.note_value(entry, key, &format!("each entry must be {expected}")),
            }
        }
        Some(parsed)
    }

    fn value(&self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.asked.borrow_mut().insert(key);
        self.table?.get(key)
    }

    fn note_value(&self, value: &Spanned<DeValue<'_>>, key: &str, what: &str) {
        self.log
            .note(value.span().start, format!("{}: {what}", self.path_of(key)));
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    fn finish(self) {
        let asked = self.asked.borrow();
        for (key, _) in self.table.into_iter().flatten() {
            let name: &str = key.get_ref();
            if !asked.contains(name) {
                let known = asked.iter().copied().collect::<Vec<_>>().join(", ");
                let text = format!("{}: unknown key; known here: {known}", self.path_of(name));
                self.log.note(key.span().start, text);
            }
        }
    }
}

fn number_of(value: &DeValue<'_>) -> Option<u64> {
    let integer = value.as_integer()?;
    u64::from_str_radix(&integer.as_str().replace('_', ""), integer.radix()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_mistakes_come_together_with_their_lines() {
        let text = "name = 3\n[inner]\nsize = 12\nsize_typo = 1\nlist = ['a', 4]\n";
        let mistakes = read(text, |root| {
            let name = root.text("name").map(str::to_owned);
            root.section("inner", |inner| {
                let size = inner.number("size", 1..=10);
                inner.missing("colour", "write red");
                (name, size, inner.list("list", |text| text.parse::<char>()))
            })
        })
        .unwrap_err();
        let lines = mistakes
            .0
            .iter()
            .map(|mistake| mistake.line)
            .collect::<Vec<_>>();
        assert_eq!(lines, [1, 2, 3, 4, 5], "{mistakes}");
        assert!(
            mistakes
                .to_string()
                .contains("inner.size_typo: unknown key")
        );
    }

    #[test]
    fn broken_toml_is_told_with_its_line() {
        let mistakes = read("a = 1\nb = [\n", |root| root.number("a", 0..=9)).unwrap_err();
        assert!(
            mistakes.0.iter().all(|mistake| mistake.line >= 2),
            "{mistakes}"
        );
    }

    #[test]
    fn values_of_a_right_file_are_given() {
        let read = read(
            "n = 0x1_0\nyes = true\n[[t]]\nk = 'v'\n[[t]]\nk = 'w'",
            |root| {
                let tables = root.sections("t", |table| table.text("k").map(str::to_owned));
                (root.number("n", 0..=20), root.boolean("yes"), tables)
            },
        );
        let tables = vec![Some("v".to_owned()), Some("w".to_owned())];
        assert_eq!(read, Ok((Some(16), Some(true), tables)));
    }
}
