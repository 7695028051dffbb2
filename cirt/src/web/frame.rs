//! What surrounds every page: navigation, who is logged in, and the language.

use super::state::WebState;
use super::static_files::{SCRIPT_VERSION, STYLE_VERSION};
use crate::language::{Argument, Language, Texts};
use crate::people::Permission;
use crate::store::Session;

/// The parts of a page that are the same everywhere.
pub(super) struct Frame {
    pub(super) centre: String,
    pub(super) style_version: &'static str,
    pub(super) script_version: &'static str,
    pub(super) language: &'static str,
    pub(super) direction: &'static str,
    texts: &'static Texts,
    /// Entries of the navigation.
    pub(super) navigation: Vec<Entry>,
    /// Whether news are told while the page is open.
    pub(super) is_live: bool,
    /// Nobody on the login page.
    pub(super) user: Option<FrameUser>,
}

/// An entry of the navigation.
pub(super) struct Entry {
    pub(super) href: &'static str,
    pub(super) label: String,
    pub(super) is_current: bool,
}

/// Who is logged in.
pub(super) struct FrameUser {
    pub(super) name: String,
    pub(super) role: String,
    pub(super) form_token: String,
}

/// Section, link, message, and what one must be allowed to see it.
const SECTIONS: [(&str, &str, &str, Permission); 9] = [
    ("inbox", "/inbox", "nav-inbox", Permission::ReadFindings),
    (
        "summary",
        "/summary",
        "nav-overview",
        Permission::ReadFindings,
    ),
    (
        "findings",
        "/findings",
        "nav-findings",
        Permission::ReadFindings,
    ),
    (
        "sensors",
        "/sensors",
        "nav-sensors",
        Permission::ReadSensors,
    ),
    ("rules", "/rules", "nav-rules", Permission::EditRules),
    (
        "reports",
        "/reports",
        "nav-reports",
        Permission::ReadFindings,
    ),
    ("alarms", "/alarms", "nav-alarms", Permission::ManageAlarms),
    ("users", "/users", "nav-users", Permission::ManageUsers),
    ("audit", "/audit", "nav-audit", Permission::ReadAudit),
];

impl Frame {
    /// The frame of a page for someone who is logged in.
    pub(super) fn of(state: &WebState, session: &Session, section: &'static str) -> Self {
        let language = Language::from_tag(&session.language).unwrap_or(Language::English);
        let mut frame = Self::anonymous(&state.centre, language);
        frame.navigation = SECTIONS
            .into_iter()
            .filter(|(_, _, _, permission)| session.may(*permission))
            .map(|(name, href, label, _)| Entry {
                href,
                label: frame.texts.get(label),
                is_current: name == section,
            })
            .collect();
        frame.is_live = matches!(section, "inbox" | "findings" | "summary");
        frame.user = Some(FrameUser {
            name: session.user.clone(),
            role: frame.texts.get(&format!("role-{}", session.role)),
            form_token: session.form_token.clone(),
        });
        frame
    }

    /// The frame of a page for anyone.
    pub(super) fn anonymous(centre: &str, language: Language) -> Self {
        Self {
            centre: centre.to_owned(),
            style_version: STYLE_VERSION.as_str(),
            script_version: SCRIPT_VERSION.as_str(),
            language: language.tag(),
            direction: language.direction(),
            texts: Texts::of(language),
            navigation: Vec::new(),
            is_live: false,
            user: None,
        }
    }

    /// The texts of the page's language.
    pub(super) const fn texts(&self) -> &'static Texts {
        self.texts
    }

    /// A text.
    pub(super) fn t(&self, key: &str) -> String {
        self.texts.get(key)
    }

    /// A class of severity.
    pub(super) fn severity(&self, class: &str) -> String {
        self.texts.get(&format!("severity-{class}"))
    }

    /// A text with a `count`.
    pub(super) fn n(&self, key: &str, count: &u64) -> String {
        self.texts.fill(key, &[("count", Argument::Number(*count))])
    }

    /// A text with a `value`.
    pub(super) fn t1(&self, key: &str, value: &str) -> String {
        self.texts.fill(key, &[("value", value.into())])
    }
}
