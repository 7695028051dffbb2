//! What the repository holds, and until when.

use lapwing_trust::tuf::{Header, Metadata, TopRole, UtcTime};

use super::files::RuleRepository;
use super::{PACK_TARGET, RuleRepositoryError as Error};

/// What the repository holds, and until when.
#[derive(Debug, Clone, serde::Serialize)]
pub struct RepositoryStatus {
    pub roles: Vec<RoleStatus>,
    /// Digest of the canonical pack in force.
    pub pack: Option<String>,
    pub pack_bytes: u64,
    pub deltas: Vec<DeltaStatus>,
}

/// One of the four roles.
#[derive(Debug, Clone, serde::Serialize)]
pub struct RoleStatus {
    pub role: &'static str,
    /// Version of its newest file; 0 when there is none.
    pub version: u64,
    pub ends: Option<UtcTime>,
    pub threshold: usize,
    /// Ids of its keys.
    pub keys: Vec<String>,
}

/// A delta to the pack in force.
#[derive(Debug, Clone, serde::Serialize)]
pub struct DeltaStatus {
    pub name: String,
    pub bytes: u64,
}

impl RuleRepository {
    /// What is there.
    ///
    /// # Errors
    /// [`Error`].
    pub fn status(&self) -> Result<RepositoryStatus, Error> {
        let root = self.root()?;
        let contents = self.contents(&[&root])?;
        let header = |role| match role {
            TopRole::Root => Some(root.header()),
            TopRole::Timestamp => contents.timestamp.as_ref().map(Metadata::header),
            TopRole::Snapshot => contents.snapshot.as_ref().map(Metadata::header),
            TopRole::Targets => contents.targets.as_ref().map(Metadata::header),
        };
        let roles = TopRole::ALL.into_iter().map(|role| {
            let keys = root.role(role).map_err(|source| Error::Trust {
                file: "root.json".to_owned(),
                source,
            })?;
            let header: Option<&Header> = header(role);
            Ok(RoleStatus {
                role: role.name(),
                version: header.map_or(0, |header| header.version),
                ends: header.map(|header| header.expires),
                threshold: keys.threshold(),
                keys: keys.key_ids().map(|id| id.to_string()).collect(),
            })
        });
        let roles = roles.collect::<Result<_, Error>>()?;
        let targets = contents
            .targets
            .map(|targets| targets.targets)
            .unwrap_or_default();
        let pack = targets.get(PACK_TARGET);
        let digest = pack.and_then(|pack| pack.custom.as_ref()?.get("digest")?.as_str());
        Ok(RepositoryStatus {
            roles,
            pack: digest.map(str::to_owned),
            pack_bytes: pack.map_or(0, |pack| pack.length),
            deltas: targets
                .iter()
                .filter(|(name, _)| *name != PACK_TARGET)
                .map(|(name, file)| DeltaStatus {
                    name: name.clone(),
                    bytes: file.length,
                })
                .collect(),
        })
    }
}
