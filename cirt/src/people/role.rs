//! What a user is for.

use std::fmt;
use std::str::FromStr;

use super::{Permission, PermissionSet};

/// A user's role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Reads everything that analysts read, changes nothing.
    Viewer,
    /// Works through the inbox.
    Analyst,
    /// An analyst who also tests and publishes rules.
    RuleEditor,
    /// Looks after sensors.
    Fleet,
    /// Everything, also users and the audit trail.
    Administrator,
    /// Someone at a provider: the findings and sensors of that provider, nothing of the CIRT's own work.
    IspContact,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Viewer,
        Self::Analyst,
        Self::RuleEditor,
        Self::Fleet,
        Self::Administrator,
        Self::IspContact,
    ];

    /// The word used in the database and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Analyst => "analyst",
            Self::RuleEditor => "rule-editor",
            Self::Fleet => "fleet",
            Self::Administrator => "administrator",
            Self::IspContact => "isp-contact",
        }
    }

    /// What it may do.
    #[must_use]
    pub fn permissions(self) -> PermissionSet {
        use Permission as May;
        PermissionSet::of(match self {
            Self::Viewer => &[May::ReadFindings, May::ReadWork, May::ReadSensors],
            Self::Analyst => &[
                May::ReadFindings,
                May::ReadWork,
                May::ReadSensors,
                May::Triage,
                May::AskSql,
            ],
            Self::RuleEditor => &[
                May::ReadFindings,
                May::ReadWork,
                May::ReadSensors,
                May::Triage,
                May::AskSql,
                May::EditRules,
            ],
            Self::Fleet => &[
                May::ReadFindings,
                May::ReadWork,
                May::ReadSensors,
                May::ManageSensors,
            ],
            Self::Administrator => &May::ALL,
            Self::IspContact => &[May::ReadFindings, May::ReadSensors],
        })
    }
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| {
                let known: Vec<&str> = Self::ALL.iter().map(|role| role.as_str()).collect();
                format!("{text:?} is no role: say {}", known.join(", "))
            })
    }
}
