//! Tenants and the audit trail as JSON.

use serde::Serialize;
use utoipa::ToSchema;

use crate::store::{AuditEntry, Tenant};

/// The tenants that the caller may see.
#[derive(Debug, Serialize, ToSchema)]
pub struct TenantsView {
    pub tenants: Vec<TenantView>,
}

/// A provider or a sector.
#[derive(Debug, Serialize, ToSchema)]
pub struct TenantView {
    pub name: String,
    /// `provider` or `sector`.
    pub kind: &'static str,
    pub title: String,
    pub sensors: u64,
}

/// Lines of the audit trail, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditView {
    pub lines: Vec<AuditLineView>,
}

/// Who did what, when.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditLineView {
    pub at: String,
    pub actor: String,
    pub action: String,
    pub subject: String,
}

impl TenantsView {
    /// As stored.
    #[must_use]
    pub fn of(tenants: &[Tenant]) -> Self {
        let view = |tenant: &Tenant| TenantView {
            name: tenant.name.clone(),
            kind: tenant.kind.as_str(),
            title: tenant.title.clone(),
            sensors: tenant.sensors,
        };
        Self {
            tenants: tenants.iter().map(view).collect(),
        }
    }
}

impl AuditView {
    /// As stored.
    #[must_use]
    pub fn of(lines: &[AuditEntry]) -> Self {
        let view = |line: &AuditEntry| AuditLineView {
            at: line.at.to_string(),
            actor: line.actor.clone(),
            action: line.action.clone(),
            subject: line.subject.clone(),
        };
        Self {
            lines: lines.iter().map(view).collect(),
        }
    }
}
