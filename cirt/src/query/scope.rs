//! Whose rows may be seen.

/// A tenant within this database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantKey(pub(crate) i64);

/// Whose rows a reader may see. There is no default: every read names one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everything: the staff of the national CIRT, and whoever holds the data folder.
    Nation,
    /// The sensors of one tenant, and what follows from them.
    Tenant(TenantKey),
}

impl Scope {
    /// The tenant, when it is only one.
    #[must_use]
    pub const fn tenant(self) -> Option<TenantKey> {
        match self {
            Self::Nation => None,
            Self::Tenant(tenant) => Some(tenant),
        }
    }
}
