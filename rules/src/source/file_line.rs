//! A line of a named file, so that a problem in it can be told with its place.

use std::sync::Arc;

use super::{logical_lines::LogicalLine, problem::Problem};
use crate::diagnostic::Diagnostic;

/// A logical line of a named file.
pub(super) struct FileLine<'l> {
    pub(super) name: &'l Arc<str>,
    pub(super) line: &'l LogicalLine,
}

impl FileLine<'_> {
    pub(super) fn diagnostic(&self, problem: Problem, sid: Option<u32>) -> Diagnostic {
        let (line, byte_column) = self.line.locate(problem.span.start);
        let source_line = String::from_utf8_lossy(self.line.physical(problem.span.start));
        let characters = |bytes: &[u8]| {
            u32::try_from(String::from_utf8_lossy(bytes).chars().count()).unwrap_or(u32::MAX)
        };
        let physical = self.line.physical(problem.span.start);
        let before = physical.get(..byte_column).unwrap_or(physical);
        let marked = self
            .line
            .bytes
            .get(problem.span.clone())
            .unwrap_or_default();
        Diagnostic {
            level: problem.level,
            code: problem.code,
            file: Arc::clone(self.name),
            line,
            column: characters(before) + 1,
            width: characters(marked).max(1),
            message: problem.message,
            hint: problem.hint,
            sid,
            source_line: source_line.as_ref().into(),
        }
    }
}
