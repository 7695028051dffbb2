//! Which collections there are for a peer.

use serde_json::{Value, json};
use uuid::Uuid;

use super::STIX_MEDIA_TYPE;
use crate::exchange::{Agreement, Peer, Producer, Tlp};

/// A collection as a peer sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collection {
    /// Its name in the store, and a second name for people.
    pub alias: String,
    pub id: Uuid,
    title: String,
    pub can_read: bool,
    pub can_write: bool,
}

/// Where objects of a label are published.
#[must_use]
pub fn of_label(tlp: Tlp) -> String {
    format!("tlp-{tlp}")
}

/// Where objects for one peer lie.
#[must_use]
pub fn for_peer(peer: &str) -> String {
    format!("peer-{peer}")
}

/// Where a peer pushes.
#[must_use]
pub fn from_peer(peer: &str) -> String {
    format!("from-{peer}")
}

/// What a peer sees.
#[must_use]
pub fn visible(producer: &Producer, peer: &Peer, agreement: Option<&Agreement>) -> Vec<Collection> {
    let collection = |alias: String, title: String, can_read: bool| Collection {
        id: producer.name("collection", &alias),
        alias,
        title,
        can_read,
        can_write: !can_read,
    };
    let mut collections = Vec::new();
    if let Some(agreement) = agreement {
        let labels = Tlp::ALL
            .into_iter()
            .filter(|tlp| *tlp <= agreement.ceiling && *tlp < Tlp::Red);
        collections.extend(
            labels.map(|tlp| {
                collection(of_label(tlp), format!("Published as {}", tlp.label()), true)
            }),
        );
        let title = format!(
            "For {} under the agreement {}",
            peer.name, agreement.reference
        );
        collections.push(collection(for_peer(&peer.name), title, true));
    }
    collections.push(collection(
        from_peer(&peer.name),
        format!("From {}", peer.name),
        false,
    ));
    collections
}

impl Collection {
    /// The resource of the standard (section 5.2).
    #[must_use]
    pub fn resource(&self) -> Value {
        json!({
            "id": self.id.to_string(),
            "title": self.title,
            "alias": self.alias,
            "can_read": self.can_read,
            "can_write": self.can_write,
            "media_types": [STIX_MEDIA_TYPE],
        })
    }
}
