//! What is wrong with one place of one rule, before it is known which file and line that is.

use super::syntax::Span;
use crate::diagnostic::Level;

/// A remark about a stretch of a logical line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) level: Level,
    pub(crate) code: &'static str,
    pub(crate) span: Span,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl Problem {
    /// The rule cannot be loaded.
    pub(crate) fn error(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self {
            level: Level::Error,
            code,
            span,
            message: message.into(),
            hint: None,
        }
    }

    /// A value is not what its keyword takes.
    pub(crate) fn value(span: Span, message: impl Into<String>) -> Self {
        Self::error("bad-value", span, message)
    }

    /// The rule is valid and not run.
    pub(crate) fn unsupported(span: Span, message: impl Into<String>) -> Self {
        Self {
            level: Level::Unsupported,
            ..Self::error("unsupported", span, message)
        }
    }

    /// The rule is loaded.
    pub(crate) fn warning(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self {
            level: Level::Warning,
            ..Self::error(code, span, message)
        }
    }

    /// Says what to do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
