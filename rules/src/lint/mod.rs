//! Lints: what an experienced rule writer would remark about rules that load.
//!
//! A lint is one declaration with one doc comment, and one function below it. The doc comment is its help page
//! (`lapwing rules help CODE`, `docs/lints.md`): first a line that says what is remarked, then why, then two examples in
//! `text` fences, the first of which is remarked and the second is not; tests hold every page to that. A lint speaks only where
//! it can know: one that guesses is a note, and notes are shown on demand.

mod bits;
mod buffers;
mod check;
mod cost;
mod expression_language;
mod expressions;
mod flow;
mod metadata;
mod numbers;
mod positions;
mod rate_limits;
mod repeated;
mod selection;
mod style;
mod subject;

use crate::{diagnostic::Level, source::problem::Problem, source::syntax::Span};

pub use check::{Checked, check};
pub use selection::{Selection, SelectionError};

use subject::{Subject, Subjects};

/// What a lint is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// The rule can never match, matches always, or matches other than it seems.
    Correctness,
    /// The rule is looked at more often than it need be.
    Cost,
    /// What is written about the rule is missing or wrong.
    Metadata,
    /// The rule can be written more plainly.
    Style,
}

impl Group {
    /// Every group.
    pub const ALL: [Self; 4] = [Self::Correctness, Self::Cost, Self::Metadata, Self::Style];

    /// As the command line and the help pages name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Correctness => "correctness",
            Self::Cost => "cost",
            Self::Metadata => "metadata",
            Self::Style => "style",
        }
    }
}

/// One kind of remark about rules that load.
#[derive(Debug)]
pub struct Lint {
    /// Stable name, as `flowbit-never-set`.
    pub code: &'static str,
    /// What it is about.
    pub group: Group,
    /// How bad it is unless the selection says otherwise.
    pub level: Level,
    /// Its doc comment, one space before each line.
    page: &'static str,
    test: Test,
}

/// What a lint's function is given.
#[derive(Debug)]
enum Test {
    /// One rule by itself.
    Rule(fn(&Subject<'_>, &mut Report)),
    /// All rules of the run, where a rule can only be judged beside the others.
    Rules(fn(&Subjects<'_>, &mut Report)),
}

impl Lint {
    /// Its help page: the doc comment as Markdown.
    #[must_use]
    pub fn page(&self) -> String {
        crate::help::without_margin(self.page)
    }
}

/// Declares a lint: its doc comment is kept as data and as documentation.
macro_rules! lint {
    ($(#[doc = $page:literal])+ $name:ident = $code:literal, $group:ident, $level:ident, $test:ident($function:ident)) => {
        $(#[doc = $page])+
        pub(super) static $name: crate::lint::Lint = crate::lint::Lint {
            code: $code,
            group: crate::lint::Group::$group,
            level: crate::diagnostic::Level::$level,
            page: concat!($($page, "\n"),+),
            test: crate::lint::Test::$test($function),
        };
    };
}
use lint;

/// Every lint, group by group.
pub static LINTS: &[&Lint] = &[
    // Correctness.
    &bits::FLOWBIT_NEVER_SET,
    &bits::FLOWBIT_NEVER_CHECKED,
    &bits::CONTRADICTORY_BITS,
    &bits::SILENT_RULE,
    &positions::CONTRADICTORY_CONTENTS,
    &positions::CONTENT_AND_NEGATION,
    &positions::NEGATED_ONLY,
    &positions::RELATIVE_TO_NOTHING,
    &positions::NOTHING_BEHIND_END,
    &numbers::CONTRADICTORY_SIZES,
    &numbers::IMPOSSIBLE_DATA_AT,
    &numbers::UNUSED_VARIABLE,
    &expressions::EXPRESSION_CONTRADICTS_CONTENT,
    &expressions::EXPRESSION_CONTRADICTS_SIZE,
    &expressions::EXPRESSION_IN_WRONG_CASE,
    &expressions::UNESCAPED_DOT,
    &buffers::ENCODED_IN_DECODED_BUFFER,
    &buffers::LINE_END_IN_VALUE,
    &buffers::NAME_IN_VALUE,
    &buffers::COOKIE_IN_HEADERS,
    &buffers::WRONG_CASE_AFTER_TRANSFORM,
    &buffers::DOT_PREFIX_WITHOUT_DOT,
    &buffers::WIRE_FORMAT_NAME,
    &buffers::DOMAIN_WITHOUT_BOUNDARY,
    &flow::KEYWORD_OF_OTHER_PROTOCOL,
    &flow::HANDSHAKE_IN_ESTABLISHED,
    &flow::PORT_ON_WRONG_SIDE,
    &flow::NO_FLOW_DIRECTION,
    &flow::NO_FLOW_STATE,
    &flow::BOTH_WAYS_WITH_DIRECTION,
    &rate_limits::POINTLESS_RATE_LIMIT,
    &rate_limits::RATE_LIMIT_OF_SILENT_RULE,
    &repeated::SAME_RULE_TWICE,
    &repeated::SAME_MESSAGE_TWICE,
    // Cost.
    &cost::NO_PREFILTER,
    &cost::SHORT_FAST_PATTERN,
    &cost::COMMON_FAST_PATTERN,
    &cost::WEAK_FAST_PATTERN_CHOSEN,
    &cost::EXPRESSION_WITHOUT_CONTENT,
    &cost::LEADING_WILDCARD,
    &cost::TRAILING_WILDCARD,
    &cost::ANY_TO_ANY,
    // Metadata.
    &metadata::MISSING_MESSAGE,
    &metadata::MISSING_CLASS_TYPE,
    &metadata::MISSING_REFERENCE,
    &metadata::MISSING_REVISION,
    &metadata::MESSAGE_STYLE,
    &metadata::METADATA_DATE,
    &metadata::METADATA_SHAPE,
    &metadata::REFERENCE_FORM,
    // Style.
    &style::LEGACY_KEYWORD,
    &style::NEEDLESS_NOCASE,
    &style::NEEDLESS_FAST_PATTERN,
    &style::STARTS_WITH_BY_DEPTH,
    &style::CONTENT_TWICE,
];

/// The lint of this code.
#[must_use]
pub fn find(code: &str) -> Option<&'static Lint> {
    LINTS.iter().copied().find(|lint| lint.code == code)
}

/// What a lint has found.
pub(crate) struct Report {
    lint: &'static Lint,
    /// Index of the rule, and the remark.
    found: Vec<(usize, Problem)>,
    /// The rule that is being looked at.
    rule: usize,
}

impl Report {
    /// A remark about a place of the rule at hand, and what to do about it.
    fn say(&mut self, span: Span, message: impl Into<String>, hint: impl Into<String>) {
        self.say_of(self.rule, span, message, hint);
    }

    /// A remark about a place of one of all rules.
    fn say_of(
        &mut self,
        rule: usize,
        span: Span,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        let problem = Problem {
            level: self.lint.level,
            code: self.lint.code,
            span,
            message: message.into(),
            hint: Some(hint.into()).filter(|hint: &String| !hint.is_empty()),
        };
        self.found.push((rule, problem));
    }
}
