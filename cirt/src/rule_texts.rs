//! Rule files to what the pages say about a rule. The reading is `lapwing-rules`' own, so that the centre and the
//! sensors agree on what a file holds.

use lapwing_rules::pack::{Pack, PackError, RuleView};
use lapwing_rules::source::Source;
use lapwing_rules::{Compiled, Diagnostic, Settings, compile};

use crate::store::RuleText;

/// What came of some rule files.
#[derive(Debug)]
pub struct RuleTexts {
    pub rules: Vec<RuleText>,
    /// Mistakes, in the order of the files.
    pub diagnostics: Vec<Diagnostic>,
    /// Rules that were refused.
    pub refused: usize,
}

/// Reads rule files.
///
/// # Errors
/// When what was compiled cannot be opened again, which would be a defect.
pub fn read_rule_texts(sources: &[Source], mut settings: Settings) -> Result<RuleTexts, PackError> {
    settings.keep_texts = true;
    let Compiled {
        pack,
        diagnostics,
        counts,
        ..
    } = compile(sources, &settings);
    let pack = Pack::from_bytes(pack)?;
    let mut rules: Vec<RuleText> = pack
        .rules()
        .map(|rule| rule_text(&rule, pack.rule_text(rule.index())))
        .collect();
    // Not run by this version, but a newer sensor may: its message is worth having.
    rules.extend(pack.unsupported().map(|rule| RuleText {
        gid: rule.id.gid,
        sid: rule.id.sid,
        rev: rule.id.rev,
        message: rule.message.to_owned(),
        class_type: None,
        category: None,
        severity: None,
        references: Vec::new(),
        body: String::new(),
    }));
    Ok(RuleTexts {
        rules,
        diagnostics,
        refused: counts.refused,
    })
}

fn rule_text(rule: &RuleView<'_>, body: Option<&str>) -> RuleText {
    let filled = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let id = rule.id();
    RuleText {
        gid: id.gid,
        sid: id.sid,
        rev: id.rev,
        message: rule.message().to_owned(),
        class_type: filled(rule.class_type()),
        category: filled(rule.class_description()),
        severity: Some(u32::from(rule.severity().0)),
        references: rule.references().map(reference).collect(),
        body: body.unwrap_or_default().to_owned(),
    }
}

/// A web address where the system has one, `system target` otherwise.
fn reference((system, target): (&str, &str)) -> String {
    if system.contains("://") {
        format!("{system}{target}")
    } else {
        format!("{system} {target}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_learn_what_a_rule_says() {
        let text = "alert http any any -> any any (msg:\"TEST exploit\"; content:\"x\"; \
                    classtype:web-application-attack; reference:url,example.org/a; reference:cve,2021-41773; \
                    sid:7; rev:3;)\nalert tcp any any -> any any (sid:x;)\n";
        let source = Source {
            name: "test.rules".into(),
            bytes: text.as_bytes().to_vec(),
        };
        let read = read_rule_texts(&[source], Settings::default()).unwrap();
        assert_eq!((read.rules.len(), read.refused), (1, 1));
        let rule = &read.rules[0];
        assert_eq!((rule.gid, rule.sid, rule.rev), (1, 7, 3));
        assert_eq!(rule.message, "TEST exploit");
        assert_eq!(rule.category.as_deref(), Some("Web Application Attack"));
        assert_eq!(rule.severity, Some(1));
        assert!(
            rule.references[0].ends_with("://example.org/a"),
            "{:?}",
            rule.references
        );
        assert!(rule.references[1].contains("2021-41773"));
        assert!(rule.body.starts_with("alert http") && rule.body.ends_with("rev:3;)"));
    }
}
