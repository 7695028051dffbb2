//! What is said about rule files: where, what, and what to do about it.

use std::{fmt, sync::Arc};

use serde::{Serialize, Serializer};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The rule is not loaded.
    Error,
    /// The rule is valid, but this version does not run it.
    Unsupported,
    /// The rule is loaded and deserves a look.
    Warning,
    /// The rule is loaded and worth a thought.
    Note,
}

impl fmt::Display for Level {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Error => "error",
            Self::Unsupported => "unsupported",
            Self::Warning => "warning",
            Self::Note => "note",
        })
    }
}

/// One remark about one place in a rule file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// How bad it is.
    pub level: Level,
    /// Stable name of the kind of remark, as `unknown-keyword`.
    pub code: &'static str,
    /// The file as it was named.
    #[serde(serialize_with = "serialize_text")]
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// How many characters it is about.
    pub width: u32,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The rule's signature number, once known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<u32>,
    /// The line itself.
    #[serde(skip)]
    pub source_line: Arc<str>,
}

fn serialize_text<S: Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}

impl fmt::Display for Diagnostic {
    /// One line: `file:line:column: error[code]: message (hint)`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}:{}:{}: {}[{}]: {}",
            self.file, self.line, self.column, self.level, self.code, self.message
        )?;
        match &self.hint {
            Some(hint) => write!(formatter, " ({hint})"),
            None => Ok(()),
        }
    }
}

/// Most characters of a line that [`Diagnostic::with_source`] shows.
const SHOWN_CHARACTERS: usize = 100;

impl Diagnostic {
    /// The remark with the line beneath it, the place underlined, and what to do about it.
    #[must_use]
    pub fn with_source(&self) -> String {
        let before = (self.column as usize).saturating_sub(1);
        let length = self.source_line.chars().count();
        let first = if length <= SHOWN_CHARACTERS {
            0
        } else {
            before.saturating_sub(SHOWN_CHARACTERS / 3)
        };
        let mut characters = self.source_line.chars().skip(first);
        let mut shown: String = characters
            .by_ref()
            .take(SHOWN_CHARACTERS)
            .map(|character| {
                if character.is_control() {
                    ' '
                } else {
                    character
                }
            })
            .collect();
        if characters.next().is_some() {
            shown.push('…');
        }
        // What is left out before the place is one character, which the marks move along with.
        let cut = if first > 0 { "…" } else { "" };
        let room = SHOWN_CHARACTERS.saturating_sub(before - first).max(1);
        let marks = "^".repeat((self.width as usize).clamp(1, room));
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        let mut text = format!(
            "{file}:{line}:{column}: {level}[{code}]: {message}\n\
             {margin} |\n{number} | {cut}{shown}\n{margin} | {space}{marks}",
            file = self.file,
            line = self.line,
            column = self.column,
            level = self.level,
            code = self.code,
            message = self.message,
            space = " ".repeat(before - first + usize::from(first > 0)),
        );
        if let Some(hint) = &self.hint {
            text.push_str(&format!("\n{margin} = {hint}"));
        }
        text
    }
}
