//! What a person or a program may do.

use std::fmt;
use std::str::FromStr;

/// One thing that may be allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Read findings, groups, cases and reports, within the scope.
    ReadFindings,
    /// Read the comments, assignments and timeline of the CIRT's own work.
    ReadWork,
    /// Take, assign, comment, classify, close.
    Triage,
    /// Read sensors and their state.
    ReadSensors,
    /// Approve, revoke, and put sensors to tenants.
    ManageSensors,
    /// Import, test and publish rules.
    EditRules,
    /// Ask the store in SQL, read-only.
    AskSql,
    /// Read the audit trail.
    ReadAudit,
    /// Add, change and disable users.
    ManageUsers,
    /// Say whom alarms are told to, and of what.
    ManageAlarms,
}

impl Permission {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::ReadFindings,
        Self::ReadWork,
        Self::Triage,
        Self::ReadSensors,
        Self::ManageSensors,
        Self::EditRules,
        Self::AskSql,
        Self::ReadAudit,
        Self::ManageUsers,
        Self::ManageAlarms,
    ];

    /// Its name as a scope of tokens.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReadFindings => "findings:read",
            Self::ReadWork => "work:read",
            Self::Triage => "triage:write",
            Self::ReadSensors => "sensors:read",
            Self::ManageSensors => "sensors:write",
            Self::EditRules => "rules:write",
            Self::AskSql => "sql:read",
            Self::ReadAudit => "audit:read",
            Self::ManageUsers => "users:write",
            Self::ManageAlarms => "alarms:write",
        }
    }

    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// Some permissions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PermissionSet(u16);

impl PermissionSet {
    /// A set of these.
    #[must_use]
    pub fn of(permissions: &[Permission]) -> Self {
        Self(
            permissions
                .iter()
                .fold(0, |bits, permission| bits | permission.bit()),
        )
    }

    /// Whether it holds one.
    #[must_use]
    pub const fn contains(self, permission: Permission) -> bool {
        self.0 & permission.bit() != 0
    }

    /// What both hold.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL
            .into_iter()
            .filter(move |permission| self.contains(*permission))
    }
}

impl fmt::Display for PermissionSet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.iter().map(Permission::as_str).collect();
        formatter.write_str(&names.join(" "))
    }
}

impl FromStr for PermissionSet {
    type Err = String;

    /// Names separated by spaces or commas.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut set = Self::default();
        for name in text
            .split([' ', ','])
            .map(str::trim)
            .filter(|name| !name.is_empty())
        {
            let permission = Permission::ALL
                .into_iter()
                .find(|permission| permission.as_str() == name);
            let permission = permission.ok_or_else(|| {
                let known: Vec<&str> = Permission::ALL.iter().map(|known| known.as_str()).collect();
                format!("{name:?} is no scope: say {}", known.join(", "))
            })?;
            set.0 |= permission.bit();
        }
        Ok(set)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_survives_its_text() {
        let set = PermissionSet::of(&[Permission::Triage, Permission::ReadFindings]);
        assert_eq!(set.to_string(), "findings:read triage:write");
        assert_eq!(set.to_string().parse::<PermissionSet>().unwrap(), set);
        assert!("findings:read,rm".parse::<PermissionSet>().is_err());
        let all = PermissionSet::of(&Permission::ALL);
        assert_eq!(all.and(set), set);
        assert_eq!(all.iter().count(), Permission::ALL.len());
    }
}
