//! The keyword reference, made from the keyword table: `docs/keywords.md` and what `lapwing rules keywords` prints.

use super::keyword_table::{KEYWORDS, Keyword};
use crate::model::Sides;

/// The whole reference as Markdown.
#[must_use]
pub fn markdown() -> String {
    // No totals here: they would change with every keyword, and two changes at once would always collide.
    let mut page = "# Rule keywords\n\n\
         <!-- Made from rules/src/source/keyword_table.rs; `UPDATE_EXPECT=1 cargo nextest run --release -p lapwing-rules --test keyword_reference` writes it anew. -->\n\n\
         Every keyword of Suricata 7.0's rule language, and whether Lapwing runs it. A rule with one that does not run is\n\
         named by `lapwing rules coverage` and left out; it is never half-run. `lapwing rules keywords NAME` prints one entry.\n\
         Keywords since 8.0 are of version 8 of the language: they need `--language 8`, or `language = 8` under `[rules]` of\n\
         `sensor.toml`, and are refused without.\n\n\
         *Value* is what stands behind the colon; a keyword without one is written `keyword;`. *Where* is the protocol and the\n\
         direction that a buffer exists in: `→` what the client sends, `←` what the server sends, `↔` both.\n"
        .to_owned();
    let mut section = "";
    for keyword in KEYWORDS {
        if keyword.section != section {
            section = keyword.section;
            page.push_str(&format!(
                "\n## {section}\n\n| keyword | value | what it does | where | since | runs |\n|---|---|---|---|---|---|\n"
            ));
        }
        page.push_str(&table_row(keyword));
        page.push('\n');
    }
    page
}

fn table_row(keyword: &Keyword) -> String {
    let names: Vec<String> = std::iter::once(keyword.name)
        .chain(keyword.aliases.iter().copied())
        .map(|name| format!("`{name}`"))
        .collect();
    let shape = keyword
        .shape()
        .map_or_else(String::new, |shape| format!("`{}`", cell(shape)));
    let mut description = cell(keyword.description);
    if !keyword.differs.is_empty() {
        description.push_str(&format!(" *Here:* {}.", cell(keyword.differs)));
    }
    let runs = match keyword.support() {
        Ok(()) => "yes".to_owned(),
        Err(reason) => format!("no: {}", cell(reason)),
    };
    format!(
        "| {} | {shape} | {description} | {} | {} | {runs} |",
        names.join(", "),
        place(keyword),
        keyword.since
    )
}

/// A text as it may stand in a cell of a Markdown table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// Protocol and direction of a keyword's buffer or number.
fn place(keyword: &Keyword) -> String {
    let protocol = keyword.protocol().map(|protocol| protocol.name());
    let sides = keyword.buffer().map(|buffer| match buffer.info().sides {
        Sides::ToServer => "→",
        Sides::ToClient => "←",
        Sides::Both => "↔",
    });
    let words: Vec<&str> = [protocol, sides].into_iter().flatten().collect();
    words.join(" ")
}

impl Keyword {
    /// Whether rules with it run.
    #[must_use]
    pub fn is_run(&self) -> bool {
        self.support().is_ok()
    }

    /// Its entry of the reference as plain text, a line for each fact.
    #[must_use]
    pub fn entry(&self) -> String {
        let written = match self.shape() {
            Some(shape) => format!("{}:{shape};", self.name),
            None => format!("{};", self.name),
        };
        let mut lines = vec![
            ("keyword", self.name.to_owned()),
            ("also written", self.aliases.join(", ")),
            ("written", written),
            ("what it does", self.description.to_owned()),
            ("section", self.section.to_owned()),
        ];
        if let Some(buffer) = self.buffer() {
            let info = buffer.info();
            let each = if info.multiple {
                ", each of several by itself"
            } else {
                ""
            };
            lines.push(("buffer", format!("{}{each}", info.name)));
        }
        if let Some(protocol) = self.protocol() {
            lines.push(("protocol", protocol.name().to_owned()));
        }
        if let Some(buffer) = self.buffer() {
            let direction = match buffer.info().sides {
                Sides::ToServer => "what the client sends",
                Sides::ToClient => "what the server sends",
                Sides::Both => "both",
            };
            lines.push(("direction", direction.to_owned()));
        }
        lines.push(("since", self.since.to_owned()));
        let runs = match self.support() {
            Ok(()) => "yes".to_owned(),
            Err(reason) => format!("no: {reason}"),
        };
        lines.push(("runs here", runs));
        lines.push(("differs here", self.differs.to_owned()));
        lines
            .into_iter()
            .filter(|(_, text)| !text.is_empty())
            .map(|(label, text)| format!("{label:<14}{text}\n"))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::keyword_table;

    #[test]
    fn an_entry_says_all_that_the_table_knows() {
        let entry = keyword_table::find("file_data").unwrap().entry();
        for line in [
            "keyword       file.data",
            "also written  file_data",
            "written       file.data;",
            "direction     both",
            "runs here     yes",
        ] {
            assert!(entry.lines().any(|found| found == line), "{line}: {entry}");
        }
    }

    #[test]
    fn names_and_other_spellings_are_unique() {
        let mut names: Vec<&str> = KEYWORDS
            .iter()
            .flat_map(|keyword| {
                std::iter::once(keyword.name).chain(keyword.aliases.iter().copied())
            })
            .collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
