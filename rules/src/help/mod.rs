//! Help pages: one for each code that a remark about rules can have, made from doc comments.
//!
//! A page begins with the line that says what is remarked. Two examples stand in `text` fences: the first is remarked, the second
//! is not. `rules/tests/help_pages.rs` checks both, and that `docs/lints.md` is what [`markdown`] makes.

mod mistakes;

use crate::{
    diagnostic::Level,
    lint::{Group, LINTS, Lint},
};

pub use mistakes::Mistake;

/// What a help page is about.
#[derive(Clone, Copy, Debug)]
pub enum Topic {
    /// A remark about a rule that is not loaded or not run as it stands.
    Mistake(&'static Mistake),
    /// A remark about a rule that loads.
    Lint(&'static Lint),
}

impl Topic {
    /// The code that the page explains.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Mistake(mistake) => mistake.code,
            Self::Lint(lint) => lint.code,
        }
    }

    /// How bad such a remark is unless the command line says otherwise.
    #[must_use]
    pub fn level(&self) -> Level {
        match self {
            Self::Mistake(mistake) => mistake.level,
            Self::Lint(lint) => lint.level,
        }
    }

    /// The group of a lint.
    #[must_use]
    pub fn group(&self) -> Option<Group> {
        match self {
            Self::Mistake(_) => None,
            Self::Lint(lint) => Some(lint.group),
        }
    }

    /// The page as Markdown, its first line the summary.
    #[must_use]
    pub fn page(&self) -> String {
        match self {
            Self::Mistake(mistake) => mistake.page(),
            Self::Lint(lint) => lint.page(),
        }
    }

    /// The first line: what is remarked.
    #[must_use]
    pub fn summary(&self) -> String {
        self.page().lines().next().unwrap_or_default().to_owned()
    }

    /// The rules between the fences of the page, one text for each fence.
    #[must_use]
    pub fn examples(&self) -> Vec<String> {
        let page = self.page();
        page.split("```text\n")
            .skip(1)
            .filter_map(|part| Some(part.split_once("```")?.0.to_owned()))
            .collect()
    }

    /// The page for a terminal: examples indented in place of fences.
    #[must_use]
    pub fn plain(&self) -> String {
        let mut text = format!("{} ({}", self.code(), self.level());
        if let Some(group) = self.group() {
            text.push_str(", ");
            text.push_str(group.name());
        }
        text.push_str(")\n\n");
        let mut in_fence = false;
        for line in self.page().lines() {
            if line.starts_with("```") {
                in_fence = !in_fence;
                continue;
            }
            if in_fence {
                text.push_str("    ");
            }
            text.push_str(line);
            text.push('\n');
        }
        text
    }
}

/// Every topic: mistakes first, then lints group by group.
pub fn topics() -> impl Iterator<Item = Topic> {
    mistakes::MISTAKES
        .iter()
        .map(Topic::Mistake)
        .chain(LINTS.iter().map(|lint| Topic::Lint(lint)))
}

/// The page of this code.
#[must_use]
pub fn find(code: &str) -> Option<Topic> {
    topics().find(|topic| topic.code() == code)
}

/// All pages as one Markdown document.
#[must_use]
pub fn markdown() -> String {
    let mut page = "# What `lapwing rules check` remarks\n\n\
        <!-- Made from the doc comments in rules/src/lint and rules/src/help; `UPDATE_EXPECT=1 cargo nextest run --release -p lapwing-rules --test help_pages` writes it anew. -->\n\n\
        Each remark has a code. `lapwing rules help CODE` prints its page. An *error* keeps the rule from being loaded; *unsupported*\n\
        means that the rule is valid and this version does not run it; a *warning* is about a rule that loads and most likely is not\n\
        what was meant; a *note* is worth a thought and shown with `--level note`.\n\n\
        `--allow CODE` hides a remark and `--deny CODE` makes it an error; both take a group (`correctness`, `cost`, `metadata`,\n\
        `style`) as well.\n"
        .to_owned();
    let mut section = "";
    for topic in topics() {
        let group = topic.group().map_or("mistakes", Group::name);
        if group != section {
            section = group;
            page.push_str(&format!("\n## {}\n", titled(section)));
        }
        page.push_str(&format!(
            "\n### {} ({})\n\n{}",
            topic.code(),
            topic.level(),
            topic.page()
        ));
    }
    page
}

fn titled(section: &str) -> &'static str {
    match section {
        "correctness" => "Correctness",
        "cost" => "Cost",
        "metadata" => "Metadata",
        "style" => "Style",
        _ => "Mistakes",
    }
}

/// A doc comment as it is kept, without the space that each line begins with.
pub(crate) fn without_margin(page: &str) -> String {
    page.lines()
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .flat_map(|line| [line, "\n"])
        .collect()
}
